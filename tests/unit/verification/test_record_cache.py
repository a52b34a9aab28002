"""The record cache: what it finds, what changes remove, and how much it keeps."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.verification.domain import KeyRecord
from apps.verification.repositories.record_cache import (
    OWNER_BYTES,
    RECORD_BYTES,
    Position,
    RecordCache,
    _parts,
    size_of_part,
)
from apps.verification.repositories.record_changes import RecordChanges
from tests.unit.verification.records import NOW, record

pytestmark = pytest.mark.unit

FIRST, SECOND = Position("1:1:", "here"), Position("2:2:", "here")
ROOM = 10**9
PLAN = '[["minute", 5, 60]]'


def key(number: int, *, user_id: int = 7, secret: str = "", **changes: Any) -> KeyRecord:
    return record(digest=f"{number} {secret}".encode(), key_id=number, user_id=user_id, **changes)


def changes(
    *, key_ids: list[int] | None = None, user_ids: list[int] | None = None, is_continuous: bool = True
) -> RecordChanges:
    return RecordChanges("2:2:", "here", NOW, is_continuous, key_ids, user_ids)


def cache_of(*records: KeyRecord, bytes_maximum: int = ROOM) -> RecordCache:
    cache = RecordCache(bytes_maximum)
    cache.add(records, FIRST)
    return cache


def size_of(*records: KeyRecord) -> int:
    """Return what these records count: what some of them share, and an owner, count once."""
    parts = {id(part): size_of_part(part) for each in records for part in _parts(each)}
    owners = {each.user_id for each in records}
    return sum(RECORD_BYTES + len(each.name) for each in records) + sum(parts.values()) + len(owners) * OWNER_BYTES


def found(cache: RecordCache, *records: KeyRecord) -> list[int]:
    """Return the ids of the keys whose records are cached, which this does not use."""
    return [each.key_id for each in records if each.digest in cache._records]


def test_an_empty_cache_has_no_position():
    cache = RecordCache()
    assert (cache.position, cache.size, len(cache)) == (Position(None, None), 0, 0)
    assert cache.find([b"1", b""]) == {}


def test_records_are_found_by_the_digest_of_their_secret():
    one, two = key(1), key(2)
    cache = cache_of(one, two)
    assert cache.find([two.digest, b"unknown"]) == {two.digest: two}
    assert (len(cache), cache.size) == (2, size_of(one, two))


def test_a_record_that_is_loaded_again_replaces_the_older():
    cache, newer = cache_of(key(1)), key(1, name="a longer name than it had before")
    cache.add([newer], SECOND)
    assert cache.find([newer.digest]) == {newer.digest: newer}
    assert (len(cache), cache.size) == (1, size_of(newer))


def test_the_position_is_that_of_the_last_batch():
    cache = cache_of(key(1))
    assert cache.position == FIRST
    cache.add([], SECOND)
    assert cache.position == SECOND
    cache.add([], FIRST)  # of a batch that began earlier and has ended later: an older position finds more changes
    assert cache.position == FIRST
    cache.apply(changes())
    assert cache.position == SECOND


def test_a_changed_key_is_removed_with_both_its_secrets():
    old, new, other = key(1, secret="old"), key(1, secret="new"), key(2)
    cache = cache_of(old, new, other)
    cache.apply(changes(key_ids=[1, 99]))
    assert found(cache, old, new, other) == [2]
    assert cache.size == size_of(other)


def test_one_secret_of_a_key_may_be_cached_alone():
    old, new = key(1, secret="old"), key(1, secret="new")
    cache = cache_of(old, new, bytes_maximum=size_of(old))
    assert cache.find([old.digest, new.digest]) == {new.digest: new}
    cache.apply(changes(user_ids=[7]))
    assert (len(cache), cache.size) == (0, 0)


def test_a_change_of_a_user_removes_all_keys_of_theirs():
    records = [key(1), key(2), key(3, user_id=8)]
    cache = cache_of(*records)
    cache.apply(changes(user_ids=[7, 99]))
    assert found(cache, *records) == [3]
    cache.apply(changes(user_ids=[8]))
    assert (len(cache), cache.size) == (0, 0)


def test_if_changes_are_not_continuous_everything_is_removed():
    records = [key(1), key(2, user_id=8)]
    cache = cache_of(*records)
    cache.apply(changes(is_continuous=False))
    assert (len(cache), cache.size, cache.position) == (0, 0, SECOND)
    cache.add(records, SECOND)
    assert found(cache, *records) == [1, 2]


def test_without_changes_nothing_is_removed():
    cache = cache_of(key(1))
    cache.apply(changes())
    assert len(cache) == 1


def test_what_was_not_used_for_the_longest_time_is_removed_first():
    records = [key(number) for number in range(1, 5)]
    cache = cache_of(*records[:3], bytes_maximum=size_of(*records[:3]))
    cache.find([records[0].digest])
    cache.add([records[3]], SECOND)
    assert found(cache, *records) == [1, 3, 4]
    cache.add([key(3)], SECOND)  # which is a use too
    cache.add([key(5), key(6)], SECOND)
    assert found(cache, *records, key(5), key(6)) == [3, 5, 6]


def test_the_bound_is_in_bytes():
    one, two = key(1, name="n" * 1000), key(2)
    both, last = size_of(one, two), size_of(two)
    for bytes_maximum, kept in ((both, [1, 2]), (both - 1, [2]), (last, [2]), (last - 1, [])):
        cache = cache_of(one, two, bytes_maximum=bytes_maximum)
        assert found(cache, one, two) == kept
        assert cache.size <= bytes_maximum


def test_what_records_share_counts_once_and_as_long_as_one_has_it():
    scopes, networks = ["a:b", "c:d"], ["192.0.2.0/24"]
    alike = [key(number, plan_rate_limits=PLAN, scopes=scopes, ip_allowlist=networks) for number in (1, 2)]
    other = key(3, plan_rate_limits=PLAN, scopes=["e:f"])
    assert alike[0].rate_limits is alike[1].rate_limits is other.rate_limits
    assert alike[0].scopes is alike[1].scopes is not other.scopes
    cache = cache_of(*alike, other)
    assert cache.size == size_of(*alike, other) < sum(map(size_of, (*alike, other)))
    cache.apply(changes(key_ids=[1]))
    assert cache.size == size_of(alike[1], other)
    cache.apply(changes(key_ids=[2]))
    assert cache.size == size_of(other)
    cache.apply(changes(key_ids=[3]))
    assert (cache.size, cache._uses_of_parts) == (0, {})


@pytest.mark.parametrize(
    "own",
    [
        {"scopes": [f"scope:{number}" for number in range(10)]},
        {"ip_allowlist": [f"10.0.{number}.0/24" for number in range(10)]},
        {"rate_limits": '[{"name": "own", "limit": 5, "period_seconds": 1}]'},
    ],
)
def test_what_no_other_record_has_takes_room(own: dict[str, Any]):
    plain = cache_of(key(1, plan_rate_limits=PLAN), key(2, plan_rate_limits=PLAN))
    assert cache_of(key(1, plan_rate_limits=PLAN), key(2, plan_rate_limits=PLAN, **own)).size > plain.size + 500


def test_a_long_name_and_metadata_take_room():
    short, long = key(1), key(1, name="n" * 200, metadata='{"text": "%s"}' % ("x" * 5000))
    assert cache_of(long).size >= cache_of(short).size + 5150


records = st.builds(
    lambda number, secret: key(number, user_id=number % 3, secret=secret),
    st.integers(1, 9),
    st.sampled_from(["", "old"]),
)
steps = st.one_of(
    st.tuples(st.just("add"), st.lists(records, max_size=6)),
    st.tuples(st.just("keys"), st.sets(st.integers(1, 9), max_size=3)),
    st.tuples(st.just("users"), st.sets(st.integers(0, 2), max_size=2)),
    st.tuples(st.just("find"), st.lists(records, max_size=3)),
)


@given(st.lists(steps, max_size=30), st.integers(0, 9))
def test_the_cache_agrees_with_a_list_in_order_of_use(sent: list[tuple[str, Any]], room: int):
    bytes_maximum = room * size_of(key(1))
    cache, expected = RecordCache(bytes_maximum), dict[bytes, KeyRecord]()
    for what, values in sent:
        if what == "add":
            cache.add(values, FIRST)
            for each in values:
                expected.pop(each.digest, None)
                expected[each.digest] = each
        elif what == "find":
            cache.find([each.digest for each in values])
            expected |= {each.digest: expected.pop(each.digest) for each in values if each.digest in expected}
        else:
            cache.apply(changes(key_ids=list(values)) if what == "keys" else changes(user_ids=list(values)))
            expected = {
                digest: each
                for digest, each in expected.items()
                if (each.key_id if what == "keys" else each.user_id) not in values
            }
        while size_of(*expected.values()) > bytes_maximum:
            expected.pop(next(iter(expected)))
        assert dict(cache._records) == expected
        assert list(cache._records) == list(expected)
        assert cache.size == size_of(*expected.values()) <= bytes_maximum
    cache.apply(changes(user_ids=[0, 1, 2]))
    rest = (cache._records, cache._digests_of_keys, cache._keys_of_users, cache._uses_of_parts, cache.size)
    assert not any(rest)


def test_times_do_not_count_for_the_position():
    # A record with an end is cached as it is: that it has passed is for the decision to find.
    ended = key(1, expires_at=NOW - timedelta(days=1))
    assert cache_of(ended).find([ended.digest])
