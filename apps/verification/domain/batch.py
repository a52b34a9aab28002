"""A batch of questions: what is known when it is decided, and what comes of it."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from apps.verification.domain.code import Code
from apps.verification.domain.key_record import KeyRecord
from apps.verification.domain.verification_query import VerificationQuery

RequestName = tuple[int, str]  # a key's id and a request_id


class BatchSnapshot(NamedTuple):
    """What the database knows of a batch: keys by their secrets' digests, and what was answered to its requests.

    `busy` are the digests of keys that exist, but somebody is changing what they or their owners have left.
    """

    now: datetime
    records: Mapping[bytes, KeyRecord]
    callers: Mapping[bytes, KeyRecord]
    first_answers: Mapping[RequestName, str]
    busy: AbstractSet[bytes] = frozenset()


class KeySpending(NamedTuple):
    """What a key's counters become."""

    key_id: int
    logs: str
    budget_spent: Decimal


@dataclass(slots=True)
class BatchEffects:
    """What a batch uses up, to be written before anybody is answered."""

    calls: list[tuple[VerificationQuery, KeyRecord]] = field(default_factory=list)
    spendings: list[KeySpending] = field(default_factory=list)
    debits: dict[int, Decimal] = field(default_factory=dict)  # by customer
    denials: dict[tuple[int, Code], int] = field(default_factory=dict)  # by key
    first_answers: dict[RequestName, str] = field(default_factory=dict)
    askers: dict[int, KeyRecord] = field(default_factory=dict)  # keys that were used to ask and used up nothing
