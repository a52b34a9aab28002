"""Decides verification queries. Pure: no I/O, no clock, no Django; the same input gives the same verdicts."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from apps.core.authorization.scopes import missing_scopes
from apps.core.values.amounts import AMOUNT_MAXIMUM
from apps.core.values.ip_addresses import is_within
from apps.verification.domain import (
    BatchEffects,
    BatchSnapshot,
    Code,
    CounterUpdate,
    Detail,
    IdempotencyKey,
    IdempotencyRecord,
    KeyCounters,
    KeyRecord,
    Purpose,
    Verdict,
    VerificationQuery,
    idempotency_key_of,
)
from apps.verification.services.idempotency import TOO_LATE, RequestIdReused, fingerprint_of, stored_verdict
from apps.verification.services.key_rate_limits import KeyRateLimits, with_windows

SCOPES_CACHED = 4096
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NO_COUNTERS, NOTHING = KeyCounters(), Decimal(0)

type Check = Callable[[KeyRecord, VerificationQuery, datetime], str | None]
type Decided = Verdict | RequestIdReused


def decide(
    snapshot: BatchSnapshot, queries: Sequence[VerificationQuery], retry_period: timedelta
) -> tuple[list[Decided], BatchEffects]:
    """Return the verdict on each query, in order, and the effects of the batch.

    Queries are served in order of arrival; the first check that refuses a call determines the code. A refusal consumes
    nothing, so a large call that is refused does not block a small one after it. Queries with the same idempotency key
    get the same verdict, for up to `retry_period` after the first, and are charged once.
    """
    batch = _Batch(snapshot, retry_period)
    decided = [batch.decide(query) for query in queries]
    return decided, batch.effects()


def disabled(record: KeyRecord, _query: VerificationQuery, _now: datetime) -> str | None:
    """Refuse a key that is revoked or switched off."""
    if record.revoked_at is not None:
        return Detail.REVOKED
    return None if record.is_active else Detail.DISABLED


def expired(record: KeyRecord, _query: VerificationQuery, now: datetime) -> str | None:
    """Refuse a key that has expired, or whose rotated secret has, which includes the moment itself."""
    if record.expires_at is not None and record.expires_at <= now:
        return Detail.KEY
    return Detail.SECRET if record.secret_expires_at is not None and record.secret_expires_at <= now else None


def forbidden(record: KeyRecord, query: VerificationQuery, now: datetime) -> str | None:
    """Refuse a key whose owner is suspended or locked, and an address that is not allowed or cannot be read.

    An empty list allows all addresses; a missing address is on no list.
    """
    if not record.owner_is_active:
        return Detail.OWNER_SUSPENDED
    if record.owner_locked_until is not None and record.owner_locked_until > now:
        return Detail.OWNER_LOCKED
    if query.has_unreadable_address:
        return Detail.ADDRESS_UNREADABLE
    if record.networks and not is_within(query.address, record.networks):
        return Detail.ADDRESS_NOT_ALLOWED
    return None


def insufficient(record: KeyRecord, query: VerificationQuery, _now: datetime) -> str | None:
    """Refuse a call that needs a scope which the key lacks."""
    return _first_missing(record.scopes, query.scopes) if query.scopes else None


def unpriced(record: KeyRecord, query: VerificationQuery, _now: datetime) -> str | None:
    """Refuse a call of an operation for which the owner's plan has no price."""
    return query.operation if query.operation and query.operation not in record.prices else None


# These depend on the key and the call only; rate limits and credits, which follow, depend on earlier queries too.
CHECKS: tuple[tuple[Code, Check], ...] = (
    (Code.DISABLED, disabled),
    (Code.EXPIRED, expired),
    (Code.FORBIDDEN, forbidden),
    (Code.INSUFFICIENT_SCOPES, insufficient),
    (Code.UNKNOWN_OPERATION, unpriced),
)


def cost_of(record: KeyRecord, query: VerificationQuery) -> Decimal | None:
    """Return what the call costs, or None if its operation has no price."""
    if not query.operation:
        return query.cost
    price = record.prices.get(query.operation)
    return None if price is None else price * query.units


class Refusal(NamedTuple):
    """The first check that refuses a call, and why."""

    code: Code
    detail: str


def refusal(record: KeyRecord, query: VerificationQuery, now: datetime) -> Refusal | None:
    """Return the refusal of the first check in CHECKS that refuses the call, or None."""
    for code, check in CHECKS:
        detail = check(record, query, now)
        if detail is not None:
            return Refusal(code, detail)
    return None


class _Batch:
    """Counters and balances while a batch is decided."""

    def __init__(self, snapshot: BatchSnapshot, retry_period: timedelta) -> None:
        self._snapshot = snapshot
        self._retry_period = retry_period
        microseconds = (snapshot.now - EPOCH) // MICROSECOND
        self._now_ms, self._made_ms = microseconds // 1000, -(-microseconds // 1000)
        self._keys: dict[int, _Key] = {}
        self._balances = dict(snapshot.balances)
        self._first: dict[IdempotencyKey, tuple[bytes, Verdict]] = {}
        self._effects = BatchEffects()

    def decide(self, query: VerificationQuery) -> Decided:
        record = self._snapshot.records.get(query.digest)
        if record is None:
            return self._sampled(query, Verdict(Code.NOT_FOUND))
        name = idempotency_key_of(query, self._snapshot.records) if query.is_idempotent else None
        return self._decide_once(record, query, name) if name else self._decide(record, query)

    def effects(self) -> BatchEffects:
        self._effects.counter_updates = [
            CounterUpdate(key_id, key.limits.stored(), key.spent) for key_id, key in self._keys.items() if key.is_used
        ]
        return self._effects

    def _decide_once(self, record: KeyRecord, query: VerificationQuery, name: IdempotencyKey) -> Decided:
        stored = self._snapshot.idempotency_records.get(name)
        if stored is not None:
            return self._retry(record, query, stored)
        if name not in self._first:
            self._first[name] = fingerprint_of(query), self._decide(record, query)
        fingerprint, verdict = self._first[name]
        return verdict if fingerprint == fingerprint_of(query) else RequestIdReused()

    def _retry(self, record: KeyRecord, query: VerificationQuery, first: IdempotencyRecord) -> Decided:
        if first.fingerprint != fingerprint_of(query):
            return RequestIdReused()
        verdict = stored_verdict(first, record)
        # A retry must not give a key back the calls that it has lost since; a refusal stays the same refusal.
        refused = refusal(record, query, self._snapshot.now) if verdict.is_valid else None
        if refused is not None:
            return self._refuse(record, query, *refused)
        is_in_time = first.decided_at >= self._snapshot.now - self._retry_period
        return verdict if is_in_time else RequestIdReused(TOO_LATE)

    def _decide(self, record: KeyRecord, query: VerificationQuery) -> Verdict:
        if query.operation:
            query = replace(query, cost=cost_of(record, query) or NOTHING)
        refused = refusal(record, query, self._snapshot.now)
        if refused is not None:
            return self._refuse(record, query, *refused)
        key = self._keys.get(record.key_id)
        if key is None:
            counters = self._snapshot.counters.get(record.key_id, NO_COUNTERS)
            key = self._keys[record.key_id] = _Key(record, counters, self._now_ms, self._made_ms)
        if query.weight and (exceeded := key.limits.exceeded_by(query.weight)):
            wait_ms = key.limits.wait_ms(query.weight)
            return self._refuse(record, query, Code.RATE_LIMITED, exceeded.name, key, wait_ms)
        if query.cost and (missing := self._cannot_pay(record, key, query.cost)):
            return self._refuse(record, query, Code.INSUFFICIENT_CREDITS, missing, key)
        if query.purpose is Purpose.METERED or (query.uses_counters and record.rate_limits):
            self._use(record, key, query)
        elif query.purpose is Purpose.CREDENTIAL:
            self._effects.used_credentials.add(record.key_id)
        return self._verdict(Code.VALID, record, key)

    def _cannot_pay(self, record: KeyRecord, key: "_Key", cost: Decimal) -> Detail | None:
        if key.spent + cost > key.budget:
            return Detail.BUDGET
        return Detail.BALANCE if cost > self._balances.get(record.user_id, NOTHING) else None

    def _use(self, record: KeyRecord, key: "_Key", query: VerificationQuery) -> None:
        key.is_used = True
        key.limits.use(query.weight)
        if query.cost:
            key.spent += query.cost
            self._balances[record.user_id] -= query.cost
            debits = self._effects.debits
            debits[record.user_id] = debits.get(record.user_id, NOTHING) + query.cost
        if query.purpose is Purpose.METERED:
            self._effects.calls.append((query, record))

    def _refuse(
        self,
        record: KeyRecord,
        query: VerificationQuery,
        code: Code,
        detail: str,
        key: "_Key | None" = None,
        wait_ms: int | None = None,
    ) -> Verdict:
        if query.purpose is Purpose.METERED:
            denials, counted = self._effects.denials, (record.key_id, code, detail)
            denials[counted] = denials.get(counted, 0) + 1
        return self._sampled(query, self._verdict(code, record, key, detail, wait_ms))

    def _sampled(self, query: VerificationQuery, refused: Verdict) -> Verdict:
        if query.purpose is Purpose.METERED:
            self._effects.refusals.append((query, refused))
        return refused

    def _verdict(
        self, code: Code, record: KeyRecord, key: "_Key | None", detail: str | None = None, wait_ms: int | None = None
    ) -> Verdict:
        statuses = key.limits.statuses() if key else ()
        return Verdict(code, record, detail, statuses, self._balances.get(record.user_id), wait_ms)


class _Key:
    """The usage of a key while a batch is decided."""

    __slots__ = ("budget", "is_used", "limits", "spent")

    def __init__(self, record: KeyRecord, counters: KeyCounters, now_ms: int, made_ms: int) -> None:
        stored = with_windows(counters.entries, counters.windows)
        self.limits = KeyRateLimits(record.rate_limits, stored, now_ms, made_ms)
        # Without a budget, the column's maximum: one value that cannot be written would fail the whole batch.
        self.budget = AMOUNT_MAXIMUM if counters.budget is None else counters.budget
        self.spent = counters.budget_spent
        self.is_used = False


@lru_cache(maxsize=SCOPES_CACHED)
def _first_missing(granted: tuple[str, ...], wanted: tuple[str, ...]) -> str | None:
    return next(iter(missing_scopes(granted, wanted)), None)
