"""The snapshot on which a batch of queries is decided, and the effects that it writes."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from apps.verification.domain.key_record import KeyRecord
from apps.verification.domain.query import VerificationQuery
from apps.verification.domain.verdict import Code, Verdict


class KeyCounters(NamedTuple):
    """The counters of a key: `entries` as `KeyRateLimits` stores them, and what is spent of its budget, if any.

    `windows` are counters that an earlier version of Keyhouse has stored, as JSON.
    """

    entries: bytes = b""
    windows: str = "[]"
    budget: Decimal | None = None
    budget_spent: Decimal = Decimal(0)


class IdempotencyKey(NamedTuple):
    """Identifies a request: the id that a caller has given to a call of a key."""

    caller: str
    key_id: int
    request_id: str


def idempotency_key_of(query: VerificationQuery, records: Mapping[bytes, KeyRecord]) -> IdempotencyKey | None:
    """Return the idempotency key of a query, or None if it has none, or its key or its caller is not in `records`."""
    if not query.is_idempotent:
        return None
    record = records.get(query.digest)
    caller = records.get(query.caller.digest) if query.caller else None
    if record is None or (query.caller and caller is None):
        return None
    name = caller_name_of_key(caller.key_id) if caller else query.caller_name
    return IdempotencyKey(name, record.key_id, query.request_id)


def caller_name_in(query: VerificationQuery, records: Mapping[bytes, KeyRecord]) -> str:
    """Return the name of the query's caller, or an empty text if its key is not in `records`."""
    if query.caller is None:
        return query.caller_name
    caller = records.get(query.caller.digest)
    return caller_name_of_key(caller.key_id) if caller else ""


def caller_name_of_user(user_id: int) -> str:
    """Return the name of a caller that is a session of this account."""
    return f"user:{user_id}"


def caller_name_of_key(key_id: int) -> str:
    """Return the name of a caller that is an API key."""
    return f"api_key:{key_id}"


class IdempotencyRecord(NamedTuple):
    """The first request with an idempotency key: the fingerprint of its query, when it was decided, its response."""

    fingerprint: bytes
    decided_at: datetime
    response: bytes


@dataclass(slots=True, kw_only=True)
class BatchSnapshot:
    """What a batch is decided on.

    `records` are the keys and callers by the digests of their secrets. Counters are by key, balances by customer. The
    keys in `busy` have counters or a balance that another transaction has locked.
    """

    now: datetime
    records: Mapping[bytes, KeyRecord]
    counters: Mapping[int, KeyCounters] = field(default_factory=dict)
    balances: Mapping[int, Decimal] = field(default_factory=dict)
    idempotency_records: Mapping[IdempotencyKey, IdempotencyRecord] = field(default_factory=dict)
    busy: AbstractSet[int] = frozenset()


class CounterUpdate(NamedTuple):
    """The new values of a key's counters."""

    key_id: int
    entries: bytes
    budget_spent: Decimal


@dataclass(slots=True)
class BatchEffects:
    """What a batch writes before its verdicts are returned."""

    calls: list[tuple[VerificationQuery, KeyRecord]] = field(default_factory=list)
    counter_updates: list[CounterUpdate] = field(default_factory=list)
    debits: dict[int, Decimal] = field(default_factory=dict)  # by customer
    denials: dict[tuple[int, Code, str], int] = field(default_factory=dict)  # by key, code and detail
    refusals: list[tuple[VerificationQuery, Verdict]] = field(default_factory=list)  # not written with the batch
    idempotency_records: dict[IdempotencyKey, IdempotencyRecord] = field(default_factory=dict)
    used_credentials: set[int] = field(default_factory=set)  # keys that were used and whose counters do not change
