"""Keeps the records of keys from one batch to the next.

A record is never used because it is here: the transaction of each batch asks the database, after it has locked its
rows, what has changed since the position of the cache (`record_changes.py`), and loads it again.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Self

from apps.verification.domain import KeyRecord
from apps.verification.repositories.record_changes import RecordChanges

RECORD_CACHE_BYTES_MAXIMUM = 100_000_000
# Measured by the memory of a process: a record with its digest, ids and times, and its places in the cache; and the
# place of its owner.
RECORD_BYTES, OWNER_BYTES = 810, 250
# What equal records share: a collection or a text, and what is in it.
PART_BYTES = 180
SCOPE_BYTES, NETWORK_BYTES, RATE_LIMIT_BYTES, PRICE_BYTES = 100, 580, 900, 280

type Part = Sequence[object] | Mapping[str, Decimal]


class Position(NamedTuple):
    """Up to where the changes of a database are known: its snapshot, and its identity."""

    snapshot: str | None = None
    identity: str | None = None

    @classmethod
    def of(cls, changes: RecordChanges) -> Self:
        """Return the position up to which these changes are known."""
        return cls(changes.snapshot, changes.identity)


class RecordCache:
    """The records that were used last, by the digests of their secrets, up to a number of bytes.

    Each is valid at `position` and at every later one that a batch has reached. Batches overlap: one may load a record,
    and apply its check after another has applied a later one, from which a third has begun. So the changes that are
    applied are numbered by `revision`, and a record is only added at the revision at which its loading began.
    """

    def __init__(self, bytes_maximum: int = RECORD_CACHE_BYTES_MAXIMUM) -> None:
        self.position = Position()
        self.revision = 0
        self.size = 0
        self._bytes_maximum = bytes_maximum
        self._records: OrderedDict[bytes, KeyRecord] = OrderedDict()
        # Nearly every key has one secret, and a collection would take more memory than it.
        self._digests_of_keys: dict[int, bytes | tuple[bytes, ...]] = {}
        self._keys_of_users: dict[int, set[int]] = {}
        # How many records have a part, by its identity: its size counts once, until the last of them is removed.
        self._uses_of_parts: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._records)

    def find(self, digests: Iterable[bytes]) -> dict[bytes, KeyRecord]:
        """Return the records of those digests that have one here."""
        records, found = self._records, {}
        for digest in digests:
            record = records.get(digest)
            if record is not None:
                records.move_to_end(digest)
                found[digest] = record
        return found

    def customer_of(self, digest: bytes) -> int | None:
        """Return the owner of the key with this digest, or None if it is not here. The record may have changed."""
        record = self._records.get(digest)
        return None if record is None else record.user_id

    def is_unlimited(self, digest: bytes) -> bool:
        """Return whether the key with this digest is here and has no rate limits. The record may have changed."""
        record = self._records.get(digest)
        return record is not None and not record.rate_limits

    def add(self, loaded: Iterable[KeyRecord], revision: int) -> None:
        """Add records, and remove those that were not used for the longest time.

        `revision` is the cache's before they were loaded. If it has changed since, other batches have seen changes that
        may be of these records, and later checks do not return them again: then nothing is added.
        """
        if revision != self.revision:
            return
        for record in loaded:
            self._remove(record.digest)
            self._insert(record)
        while self.size > self._bytes_maximum:
            self._remove(next(iter(self._records)))

    def apply(self, changes: RecordChanges) -> None:
        """Remove the records that have changed; the others are valid at the position of the changes."""
        self.position = Position.of(changes)
        if not changes.is_continuous or changes.key_ids or changes.user_ids:
            self.revision += 1
        if not changes.is_continuous:
            self._records.clear()
            self._digests_of_keys.clear()
            self._keys_of_users.clear()
            self._uses_of_parts.clear()
            self.size = 0
            return
        key_ids = set(changes.key_ids or ())
        key_ids.update(*(self._keys_of_users.get(user_id, ()) for user_id in changes.user_ids or ()))
        for key_id in key_ids:
            for digest in self._digests_of(key_id):
                self._remove(digest)

    def _insert(self, record: KeyRecord) -> None:
        self._records[record.digest] = record
        others = self._digests_of(record.key_id)
        self._digests_of_keys[record.key_id] = (*others, record.digest) if others else record.digest
        if record.user_id not in self._keys_of_users:
            self._keys_of_users[record.user_id] = set()
            self.size += OWNER_BYTES
        self._keys_of_users[record.user_id].add(record.key_id)
        self._count(record)

    def _remove(self, digest: bytes) -> None:
        record = self._records.pop(digest, None)
        if record is None:
            return
        self._discount(record)
        others = tuple(other for other in self._digests_of(record.key_id) if other != digest)
        if others:
            self._digests_of_keys[record.key_id] = others
            return
        del self._digests_of_keys[record.key_id]
        keys = self._keys_of_users[record.user_id]
        keys.discard(record.key_id)
        if not keys:
            del self._keys_of_users[record.user_id]
            self.size -= OWNER_BYTES

    def _digests_of(self, key_id: int) -> tuple[bytes, ...]:
        found = self._digests_of_keys.get(key_id, ())
        return (found,) if isinstance(found, bytes) else found

    def _count(self, record: KeyRecord) -> None:
        self.size += RECORD_BYTES + len(record.name)
        for part in _parts(record):
            self._uses_of_parts[id(part)] += 1
            if self._uses_of_parts[id(part)] == 1:
                self.size += size_of_part(part)

    def _discount(self, record: KeyRecord) -> None:
        self.size -= RECORD_BYTES + len(record.name)
        for part in _parts(record):
            self._uses_of_parts[id(part)] -= 1
            if not self._uses_of_parts[id(part)]:
                del self._uses_of_parts[id(part)]
                self.size -= size_of_part(part)


def _parts(record: KeyRecord) -> Iterable[Part]:
    """Return the parts of a record that are the same objects as those of other records, if these are equal."""
    return (record.scopes, record.networks, record.rate_limits, record.prices, record.properties)


def size_of_part(part: Part) -> int:
    """Return about how many bytes of memory a part takes that records share."""
    if not part:
        return 0
    if isinstance(part, bytes):
        return PART_BYTES + len(part)
    if isinstance(part, Mapping):
        return PART_BYTES + sum(PRICE_BYTES + len(name) for name in part)
    return PART_BYTES + sum(map(_size_of_item, part))


def _size_of_item(item: object) -> int:
    match item:
        case str():
            return SCOPE_BYTES + len(item)
        case tuple():
            return RATE_LIMIT_BYTES
        case _:
            return NETWORK_BYTES
