"""Old record changes are removed, and a reader that might miss one forgets everything."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.core.background.clean_up import in_batches
from apps.core.declarations import clean_up_tasks
from apps.core.event_loop import call_service
from apps.verification.models import RecordChange
from apps.verification.repositories.record_changes import RecordChangeRepository
from tests.integration.verification.test_record_changes import RENAME
from tests.support.factories import make_key
from tests.support.record_reader import ALL, NOTHING, new_reader, other_connection, settle

pytestmark = pytest.mark.usefixtures("database")

remove_old = in_batches(RecordChangeRepository().remove_old, 2)


def make_old() -> None:
    """Let all changes be older than the retention."""
    with other_connection() as opened:
        settle(opened)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE record_changes SET changed_at = now() - interval '61 minutes'")


def test_a_reader_that_may_miss_removed_changes_forgets_everything():
    key = make_key().id
    with new_reader() as late, new_reader() as reader, other_connection() as writer:
        writer.execute(RENAME, [key])
        assert reader.check() == {("key", key)}
        make_old()
        assert call_service(remove_old) > 0
        assert not RecordChange.objects.exclude(kind="floor").exists()
        assert reader.check() == NOTHING
        assert late.check() == ALL
        assert late.check() == NOTHING


def test_young_changes_stay_and_the_floor_rises():
    key = make_key().id
    with new_reader() as reader, other_connection() as writer:
        for _ in range(3):
            writer.execute(RENAME, [key])
            reader.check()
            make_old()
            writer.execute(RENAME, [key])
            call_service(remove_old)
            assert reader.check() == {("key", key)}
    make_old()
    call_service(remove_old)
    assert RecordChange.objects.values_list("kind", flat=True).get() == "floor"
    make_old()
    assert call_service(remove_old) == 0
    assert RecordChange.objects.count() == 1


def test_changes_that_an_open_transaction_may_still_miss_are_kept():
    # Its id is in the snapshot of every reader, so a floor above it would make all of them forget at each batch.
    early, key = make_key().id, make_key().id
    with new_reader() as reader, other_connection() as first, other_connection() as second:
        with first.transaction():
            first.execute(RENAME, [early])
            second.execute(RENAME, [key])
            assert reader.check() == {("key", key)}
            make_old()
            call_service(remove_old)
            assert RecordChange.objects.filter(record_id=key).exists()
            assert reader.check() == NOTHING
        make_old()
        call_service(remove_old)
        assert not RecordChange.objects.filter(record_id=key).exists()
        assert reader.check() == ALL  # `early` was removed before this reader had seen it
        assert reader.check() == NOTHING


def test_a_removal_that_is_not_committed_hides_nothing():
    key = make_key().id
    with new_reader() as reader, other_connection() as remover, other_connection() as writer:
        writer.execute(RENAME, [key])
        with remover.transaction():
            remover.execute("DELETE FROM record_changes")
            assert reader.check() == {("key", key)}
            writer.execute(RENAME, [key])
        assert reader.check() == {("key", key)}


def test_changes_removed_by_hand_raise_the_floor_too():
    key = make_key().id
    with new_reader() as reader, other_connection() as writer:
        writer.execute(RENAME, [key])
        writer.execute("DELETE FROM record_changes")
        assert reader.check() == ALL
        assert reader.check() == NOTHING
        writer.execute(RENAME, [key])
        writer.execute("TRUNCATE record_changes")
        assert reader.check() == ALL
        assert reader.check() == NOTHING


def test_a_change_removed_by_hand_is_missed_by_no_reader_while_a_transaction_is_open():
    key = make_key().id
    with new_reader() as reader, other_connection() as first, other_connection() as writer, first.transaction():
        first.execute("SELECT pg_current_xact_id()")
        writer.execute(RENAME, [key])
        writer.execute("DELETE FROM record_changes")
        assert reader.check() == ALL


def test_concurrent_removals_hide_nothing():
    keys = [make_key().id for _ in range(20)]
    with other_connection() as writer, new_reader() as late:
        for key in keys:
            writer.execute(RENAME, [key])
        make_old()
        with ThreadPoolExecutor(4) as threads:
            removed = sum(threads.map(lambda _: call_service(remove_old), range(4)))
        assert removed >= len(keys)
        assert late.check() == ALL
        assert not RecordChange.objects.exclude(kind="floor").exists()


@pytest.mark.parametrize("kind", ["all", "floor"])
def test_ids_of_another_server_in_a_restored_table_do_no_harm(kind: str):
    key = make_key().id
    with other_connection() as writer, new_reader() as reader:
        writer.execute("INSERT INTO record_changes (xid, kind) VALUES ('1000000000000', %s)", [kind])
        assert reader.check() == NOTHING
        writer.execute(RENAME, [key])
        assert reader.check() == {("key", key)}
        writer.execute(RENAME, [key])
        make_old()
        call_service(remove_old)
        assert reader.check() == ALL  # the floor is that of the change, not the foreign one
        assert reader.check() == NOTHING
        assert "1000000000000" not in RecordChange.objects.values_list("xid", flat=True)


def test_the_clean_up_removes_changes_that_are_an_hour_old():
    key = make_key().id
    (task,) = [task for task in clean_up_tasks() if task.name == "record_changes"]
    with other_connection() as writer:
        writer.execute(RENAME, [key])
    make_old()
    with other_connection() as writer:
        writer.execute(RENAME, [key])
    call_service(task.run)
    assert sorted(RecordChange.objects.values_list("kind", flat=True)) == ["floor", "key"]
