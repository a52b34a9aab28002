"""What a service wants remembered of a change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.core.security.principal import Principal


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action by an actor on a thing, with the fields that changed. Never put a secret in it."""

    actor: Principal
    action: str
    target_kind: str
    target_id: int | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


# Writes the entry in the transaction that is open on the calling thread.
RecordAudit = Callable[[AuditEntry], None]
