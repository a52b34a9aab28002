"""Keeps the records of keys from one batch to the next.

A record is never used because it is here: the transaction of each batch asks the database, after it has locked its
rows, what has changed since the position of the cache (`record_changes.py`), and loads it again.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple, Self

from apps.verification.domain import KeyRecord
from apps.verification.repositories.record_changes import RecordChanges

RECORD_CACHE_BYTES_MAXIMUM = 90_000_000
# Measured: a record, its digest and ids, and its places in the three dictionaries of the cache.
RECORD_BYTES = 580


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

    Each is valid at `position` or later, so an older position is always safe: it only finds more changes.
    """

    def __init__(self, bytes_maximum: int = RECORD_CACHE_BYTES_MAXIMUM) -> None:
        self.position = Position()
        self.size = 0
        self._bytes_maximum = bytes_maximum
        self._records: OrderedDict[bytes, KeyRecord] = OrderedDict()
        # Nearly every key has one secret, and a collection would take more memory than it.
        self._digests_of_keys: dict[int, bytes | tuple[bytes, ...]] = {}
        self._keys_of_users: dict[int, set[int]] = {}

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

    def add(self, loaded: Iterable[KeyRecord], position: Position) -> None:
        """Add records that are valid at `position`, and remove those that were not used for the longest time."""
        for record in loaded:
            self._remove(record.digest)
            self._insert(record)
        self.position = position
        while self.size > self._bytes_maximum:
            self._remove(next(iter(self._records)))

    def apply(self, changes: RecordChanges) -> None:
        """Remove the records that have changed; the others are valid at the position of the changes."""
        self.position = Position.of(changes)
        if not changes.is_continuous:
            self._records.clear()
            self._digests_of_keys.clear()
            self._keys_of_users.clear()
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
        self._keys_of_users.setdefault(record.user_id, set()).add(record.key_id)
        self.size += _size(record)

    def _remove(self, digest: bytes) -> None:
        record = self._records.pop(digest, None)
        if record is None:
            return
        self.size -= _size(record)
        others = tuple(other for other in self._digests_of(record.key_id) if other != digest)
        if others:
            self._digests_of_keys[record.key_id] = others
            return
        del self._digests_of_keys[record.key_id]
        keys = self._keys_of_users[record.user_id]
        keys.discard(record.key_id)
        if not keys:
            del self._keys_of_users[record.user_id]

    def _digests_of(self, key_id: int) -> tuple[bytes, ...]:
        found = self._digests_of_keys.get(key_id, ())
        return (found,) if isinstance(found, bytes) else found


def _size(record: KeyRecord) -> int:
    """Return how many bytes of memory a record takes here at most: records may share their properties."""
    return RECORD_BYTES + len(record.name) + len(record.properties)
