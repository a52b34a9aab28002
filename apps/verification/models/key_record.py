"""A key, as the decision sees it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.core.addresses import Network
from apps.verification.models.owner import Owner


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key by one of its secrets, as loaded and locked. `secret_expires_at` is the end of a rotation's grace."""

    key_id: int
    name: str
    environment: str
    scopes: tuple[str, ...]
    networks: tuple[Network, ...]
    metadata: dict[str, Any]
    is_active: bool
    revoked_at: datetime | None
    expires_at: datetime | None
    secret_expires_at: datetime | None
    last_used_at: datetime | None
    owner: Owner
