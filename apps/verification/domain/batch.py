"""The snapshot on which a batch of queries is decided, and the effects that it writes."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from apps.verification.domain.key_record import KeyRecord
from apps.verification.domain.verdict import Code, VerificationQuery

IdempotencyKey = tuple[int, str]  # an API key's id and a request_id


class BatchSnapshot(NamedTuple):
    """The rows on which a batch is decided: keys and callers by the digests of their secrets, and idempotency records.

    `busy` are the digests of existing keys whose counters or balances another transaction has locked.
    """

    now: datetime
    records: Mapping[bytes, KeyRecord]
    callers: Mapping[bytes, KeyRecord]
    idempotency_records: Mapping[IdempotencyKey, str]
    busy: AbstractSet[bytes] = frozenset()


class CounterUpdate(NamedTuple):
    """The new values of a key's counters."""

    key_id: int
    counters: str
    budget_spent: Decimal


@dataclass(slots=True)
class BatchEffects:
    """The rows that a batch writes before its verdicts are returned."""

    calls: list[tuple[VerificationQuery, KeyRecord]] = field(default_factory=list)
    counter_updates: list[CounterUpdate] = field(default_factory=list)
    debits: dict[int, Decimal] = field(default_factory=dict)  # by account
    denials: dict[tuple[int, Code], int] = field(default_factory=dict)  # by key
    idempotency_records: dict[IdempotencyKey, str] = field(default_factory=dict)
    used_callers: dict[int, KeyRecord] = field(
        default_factory=dict
    )  # keys that were used as credentials and whose counters did not change
