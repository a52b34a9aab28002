"""A letter that this worker sends."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ClaimedMail:
    """What sending needs of an outgoing mail; `attempts` counts this one too."""

    id: int
    kind: str
    recipient: str = field(repr=False)
    context_encrypted: bytes | None = field(repr=False)
    created_at: datetime
    attempts: int
