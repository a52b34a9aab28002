"""Decides verification queries. Pure: no I/O, no clock, no Django; the same input gives the same verdicts."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from ipaddress import ip_network
from typing import Any

import orjson

from apps.core.authorization.scopes import missing_scopes
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.core.values.amounts import AMOUNT_MAXIMUM
from apps.core.values.ip_addresses import Network, is_within
from apps.verification.domain import (
    BatchEffects,
    BatchSnapshot,
    Code,
    CounterUpdate,
    IdempotencyKey,
    KeyRecord,
    Verdict,
    VerificationQuery,
)
from apps.verification.services.key_rate_limits import KeyRateLimits

NETWORKS_CACHED = 4096
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND, MILLISECOND = timedelta(microseconds=1), timedelta(milliseconds=1)

Check = Callable[[KeyRecord, VerificationQuery, datetime], bool]


def decide(snapshot: BatchSnapshot, queries: Sequence[VerificationQuery]) -> tuple[list[Verdict], BatchEffects]:
    """Return the verdict on each query, in order, and the effects of the batch.

    Queries are served in order of arrival; the first check that refuses a call determines the code. A refusal consumes
    nothing, so a large call that is refused does not block a small one after it. Queries with the same idempotency key
    get the same verdict and are charged once.
    """
    batch = _Batch(snapshot)
    verdicts = [batch.decide(query) for query in queries]
    return verdicts, batch.effects()


def is_disabled(record: KeyRecord, _query: VerificationQuery, _now: datetime) -> bool:
    """Return whether the key is revoked or switched off."""
    return record.revoked_at is not None or not record.is_active


def is_expired(record: KeyRecord, _query: VerificationQuery, now: datetime) -> bool:
    """Return whether the key or its rotated secret has expired, which includes `expires_at` itself."""
    return (record.expires_at is not None and record.expires_at <= now) or (
        record.secret_expires_at is not None and record.secret_expires_at <= now
    )


def is_forbidden(record: KeyRecord, query: VerificationQuery, now: datetime) -> bool:
    """Return whether the owner is suspended or locked, or the address is not allowed or cannot be read."""
    return not owner_may_act(record, now) or query.has_unreadable_address or not address_is_allowed(record, query)


def owner_may_act(record: KeyRecord, now: datetime) -> bool:
    """Return whether the owner is active and not locked."""
    return record.owner_is_active and (record.owner_locked_until is None or record.owner_locked_until <= now)


def address_is_allowed(record: KeyRecord, query: VerificationQuery) -> bool:
    """Return whether the address is on the allowlist. An empty list allows all; a missing address is on no list."""
    return not record.ip_allowlist or is_within(query.address, [_network(text) for text in record.ip_allowlist])


def lacks_scopes(record: KeyRecord, query: VerificationQuery, _now: datetime) -> bool:
    """Return whether the call needs a scope that the key lacks."""
    return bool(query.scopes) and bool(missing_scopes(record.scopes, query.scopes))


# These depend on the key and the call only; rate limits and credits, which follow, depend on earlier queries too.
CHECKS: tuple[tuple[Code, Check], ...] = (
    (Code.DISABLED, is_disabled),
    (Code.EXPIRED, is_expired),
    (Code.FORBIDDEN, is_forbidden),
    (Code.INSUFFICIENT_SCOPES, lacks_scopes),
)


def refusal(record: KeyRecord, query: VerificationQuery, now: datetime) -> Code | None:
    """Return the code of the first check in CHECKS that refuses the call, or None."""
    for code, refuses in CHECKS:
        if refuses(record, query, now):
            return code
    return None


class _Batch:
    """Counters and balances while a batch is decided."""

    def __init__(self, snapshot: BatchSnapshot) -> None:
        self._snapshot = snapshot
        microseconds = (snapshot.now - EPOCH) // MICROSECOND
        self._now_ms, self._made_ms = microseconds // 1000, -(-microseconds // 1000)
        self._keys: dict[int, _Key] = {}
        self._balances: dict[int, Decimal] = {}
        self._idempotent: dict[IdempotencyKey, Verdict] = {}
        self._effects = BatchEffects()

    def decide(self, query: VerificationQuery) -> Verdict:
        record = self._snapshot.records.get(query.digest)
        if record is None:
            return Verdict(Code.NOT_FOUND)
        if query.is_idempotent:
            return self._decide_once(record, query)
        return self._decide(record, query)

    def effects(self) -> BatchEffects:
        self._effects.counter_updates = [
            CounterUpdate(key_id, key.limits.stored(), key.spent) for key_id, key in self._keys.items() if key.is_used
        ]
        return self._effects

    def _decide_once(self, record: KeyRecord, query: VerificationQuery) -> Verdict:
        key = (record.key_id, query.request_id)
        stored_response = self._snapshot.idempotency_records.get(key)
        if stored_response is not None:
            return _repeated(record, stored_response)
        if key not in self._idempotent:
            self._idempotent[key] = self._decide(record, query)
        return self._idempotent[key]

    def _decide(self, record: KeyRecord, query: VerificationQuery) -> Verdict:
        code = refusal(record, query, self._snapshot.now)
        if code is not None:
            return self._refuse(record, query, Verdict(code, record, balance=self._balance(record)))
        key = self._keys.get(record.key_id)
        if key is None:
            key = self._keys[record.key_id] = _Key(record, self._now_ms, self._made_ms)
        if query.weight and not key.limits.allow(query.weight):
            wait_ms = key.limits.wait_ms(query.weight)
            return self._refuse(record, query, self._verdict(Code.RATE_LIMITED, record, key, wait_ms))
        if query.cost and not self._can_pay(record, key, query.cost):
            return self._refuse(record, query, self._verdict(Code.INSUFFICIENT_CREDITS, record, key))
        if query.is_metered:
            self._use(record, key, query)
        return self._verdict(Code.VALID, record, key)

    def _can_pay(self, record: KeyRecord, key: "_Key", cost: Decimal) -> bool:
        # Without a budget, the column's maximum: one value that cannot be written would fail the whole batch.
        budget = AMOUNT_MAXIMUM if record.budget is None else record.budget
        is_within_budget = key.spent + cost <= budget
        return is_within_budget and cost <= self._balance(record)

    def _use(self, record: KeyRecord, key: "_Key", query: VerificationQuery) -> None:
        key.is_used = True
        key.limits.use(query.weight)
        if query.cost:
            key.spent += query.cost
            self._balances[record.user_id] = self._balance(record) - query.cost
            debits = self._effects.debits
            debits[record.user_id] = debits.get(record.user_id, Decimal(0)) + query.cost
        if query.is_recorded:
            self._effects.calls.append((query, record))

    def _refuse(self, record: KeyRecord, query: VerificationQuery, verdict: Verdict) -> Verdict:
        if query.is_recorded and query.is_metered:
            denials, counted = self._effects.denials, (record.key_id, verdict.code)
            denials[counted] = denials.get(counted, 0) + 1
        return verdict

    def _verdict(self, code: Code, record: KeyRecord, key: "_Key", retry_after_ms: int | None = None) -> Verdict:
        return Verdict(code, record, key.limits.statuses(), self._balance(record), retry_after_ms)

    def _balance(self, record: KeyRecord) -> Decimal:
        return self._balances.get(record.user_id, record.balance)


def _repeated(record: KeyRecord, stored_response: str) -> Verdict:
    response = orjson.loads(stored_response)
    rate_limits = [_status_of(fields) for fields in response.get("rate_limits", ())]
    seconds = response.get("retry_after_seconds")
    retry_after_ms = None if seconds is None else seconds * 1000
    return Verdict(Code(response["code"]), record, rate_limits, None, retry_after_ms, stored_response)


def _status_of(fields: dict[str, Any]) -> RateLimitStatus:
    reset_at_ms = (datetime.fromisoformat(fields.pop("reset_at")) - EPOCH) // MILLISECOND
    return RateLimitStatus(**fields, reset_at_ms=reset_at_ms)


class _Key:
    """The usage of a key while a batch is decided."""

    __slots__ = ("is_used", "limits", "spent")

    def __init__(self, record: KeyRecord, now_ms: int, made_ms: int) -> None:
        self.limits = KeyRateLimits(record, now_ms, made_ms)
        self.spent = record.budget_spent
        self.is_used = False


@lru_cache(maxsize=NETWORKS_CACHED)
def _network(text: str) -> Network:
    return ip_network(text)
