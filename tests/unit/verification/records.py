"""Makes what the decision is given."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_network
from typing import Any

from apps.core.addresses import parse_address
from apps.verification.models import KeyRecord, Owner, Question

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
DIGEST = b"known"

_OWNER = Owner(
    user_id=7,
    plan="free",
    is_active=True,
    locked_until=None,
    is_staff=False,
    is_superuser=False,
    balance=Decimal(0),
)
_RECORD = KeyRecord(
    key_id=5,
    name="key",
    environment="live",
    scopes=(),
    networks=(),
    metadata={},
    is_active=True,
    revoked_at=None,
    expires_at=None,
    secret_expires_at=None,
    last_used_at=None,
    owner=_OWNER,
)


def record(**changes: Any) -> KeyRecord:
    """Return a good key; `owner` holds its owner's changes, `networks` are texts."""
    owner = replace(_OWNER, **changes.pop("owner", {}))
    networks = tuple(ip_network(network) for network in changes.pop("networks", ()))
    return replace(_RECORD, owner=owner, networks=networks, **changes)


def question(address: str | None = None, **changes: Any) -> Question:
    """Return a question about the key under DIGEST."""
    return Question(**{"digest": DIGEST, **changes}, address=parse_address(address) if address else None)
