"""Makes the input of the decision."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from apps.api_keys.services.key_format import digest_of
from apps.core.values.ip_addresses import parse_address
from apps.verification.domain import BatchEffects, BatchSnapshot, KeyRecord, Verdict, VerificationQuery
from apps.verification.services.decision import decide

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
DIGEST = b"known"

_RECORD = KeyRecord(
    digest=DIGEST,
    secret_expires_at=None,
    key_id=5,
    name="key",
    environment="live",
    scopes=[],
    ip_allowlist=[],
    metadata="{}",
    rate_limits="[]",
    budget=None,
    is_active=True,
    revoked_at=None,
    expires_at=None,
    counters="[]",
    budget_spent=Decimal(0),
    last_used_at=None,
    user_id=7,
    owner_is_active=True,
    owner_locked_until=None,
    owner_is_staff=False,
    owner_is_superuser=False,
    plan="free",
    plan_rate_limits="[]",
    balance=Decimal(0),
    role_scopes=None,
)


def record(*rate_limits: tuple[str, int, int], **changes: Any) -> KeyRecord:
    """Return a valid key whose plan has these rate limits (name, limit, period in seconds)."""
    return _RECORD._replace(plan_rate_limits=orjson.dumps(rate_limits).decode(), **changes)


def query(address: str | None = None, **changes: Any) -> VerificationQuery:
    """Return a query about the key with DIGEST."""
    return VerificationQuery(**{"digest": DIGEST, **changes}, address=parse_address(address) if address else None)


def snapshot(*records: KeyRecord, now: datetime = NOW, **more: Any) -> BatchSnapshot:
    """Return a snapshot with these keys."""
    return BatchSnapshot(
        now, {each.digest: each for each in records}, **{"callers": {}, "idempotency_records": {}, **more}
    )


def verdicts_on(records: Sequence[KeyRecord], queries: Sequence[VerificationQuery], **more: Any) -> list[Verdict]:
    """Return the verdicts only."""
    return decide(snapshot(*records, **more), queries)[0]


def outcome(
    records: Sequence[KeyRecord], *queries: VerificationQuery, **more: Any
) -> tuple[list[Verdict], BatchEffects]:
    """Return the verdicts and the effects."""
    return decide(snapshot(*records, **more), queries)


def query_about(secret: str, **changes: Any) -> VerificationQuery:
    """Return a query about the key with this secret."""
    return VerificationQuery(digest_of(secret), **{"request_id": "r", **changes})
