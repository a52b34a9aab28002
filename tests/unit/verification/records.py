"""Makes the input of the decision."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, Self

import orjson

from apps.api_keys.services.key_format import digest_of
from apps.core.values.ip_addresses import parse_address
from apps.verification.domain import (
    BatchEffects,
    BatchSnapshot,
    KeyCounters,
    KeyRecord,
    KeyRow,
    Verdict,
    VerificationQuery,
)
from apps.verification.services.decision import Decided, decide

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
RETRY_PERIOD = timedelta(minutes=1)
DIGEST = b"known"

_ROW = KeyRow(
    digest=DIGEST,
    secret_expires_at=None,
    key_id=5,
    name="key",
    environment="live",
    scopes=[],
    ip_allowlist=[],
    metadata="{}",
    rate_limits="[]",
    is_active=True,
    revoked_at=None,
    expires_at=None,
    user_id=7,
    owner_is_active=True,
    owner_locked_until=None,
    owner_is_staff=False,
    owner_is_superuser=False,
    plan="free",
    plan_rate_limits="[]",
    plan_features="{}",
    plan_prices="{}",
    role_scopes=None,
)


class StoredKey(NamedTuple):
    """A key as the database has it: what its record is made of, its counters, and its owner's balance."""

    row: KeyRow
    counters: KeyCounters
    balance: Decimal

    @property
    def record(self) -> KeyRecord:
        """What batches are decided on."""
        return KeyRecord.of(self.row)

    def changed(self, *, balance: Decimal | None = None, **changes: Any) -> Self:
        """Return the key with other fields of its row or of its counters, or another balance."""
        columns = {name: changes.pop(name) for name in KeyRow._fields if name in changes}
        return self._replace(
            row=self.row._replace(**columns),
            counters=self.counters._replace(**changes),
            balance=self.balance if balance is None else balance,
        )


_KEY = StoredKey(_ROW, KeyCounters(), Decimal(0))


def stored_key(*rate_limits: tuple[str, int, int], **changes: Any) -> StoredKey:
    """Return a valid key whose plan has these rate limits (name, limit, period in seconds)."""
    return _KEY.changed(**{"plan_rate_limits": orjson.dumps(rate_limits).decode(), **changes})


def record(*rate_limits: tuple[str, int, int], **changes: Any) -> KeyRecord:
    """Return the record of a valid key whose plan has these rate limits."""
    return stored_key(*rate_limits, **changes).record


def query(address: str | None = None, **changes: Any) -> VerificationQuery:
    """Return a query about the key with DIGEST."""
    return VerificationQuery(**{"digest": DIGEST, **changes}, address=parse_address(address) if address else None)


def snapshot(*keys: StoredKey, now: datetime = NOW, **more: Any) -> BatchSnapshot:
    """Return a snapshot with these keys."""
    return BatchSnapshot(
        now=now,
        records={key.row.digest: key.record for key in keys},
        counters={key.row.key_id: key.counters for key in keys},
        balances={key.row.user_id: key.balance for key in keys},
        **more,
    )


def decided_on(keys: Sequence[StoredKey], queries: Sequence[VerificationQuery], **more: Any) -> list[Decided]:
    """Return the verdicts, and errors for reused request ids."""
    return decide(snapshot(*keys, **more), queries, RETRY_PERIOD)[0]


def verdicts_on(keys: Sequence[StoredKey], queries: Sequence[VerificationQuery], **more: Any) -> list[Verdict]:
    """Return the verdicts only."""
    return outcome(keys, *queries, **more)[0]


def outcome(keys: Sequence[StoredKey], *queries: VerificationQuery, **more: Any) -> tuple[list[Verdict], BatchEffects]:
    """Return the verdicts, none of which is an error, and the effects."""
    decided, effects = decide(snapshot(*keys, **more), queries, RETRY_PERIOD)
    verdicts = [verdict for verdict in decided if isinstance(verdict, Verdict)]
    assert len(verdicts) == len(decided), decided
    return verdicts, effects


def query_about(secret: str, **changes: Any) -> VerificationQuery:
    """Return a query about the key with this secret."""
    return VerificationQuery(digest=digest_of(secret), **{"request_id": "r", **changes})
