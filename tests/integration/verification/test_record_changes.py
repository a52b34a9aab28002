"""The check of record changes: no committed change is missed, whatever the order of ids and commits."""

import random
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import psycopg
import pytest
from django.db import connection

from apps.core.database.pipeline.pipelined_transaction import pipelined_transaction
from apps.core.event_loop import call_service
from apps.verification.models import RecordChange
from apps.verification.repositories.record_changes import CHANGES_MAXIMUM, CHECK, RecordChanges
from tests.support.factories import make_bare_key, make_key, make_user
from tests.support.record_reader import ALL, NOTHING, Reader, new_reader, other_connection

pytestmark = pytest.mark.usefixtures("database")

RENAME = "UPDATE api_keys SET name = name || '2' WHERE id = %s"
TAKE_ID = "SELECT pg_current_xact_id()::text::bigint"
WRITERS, CHANGES_EACH, READERS = 4, 60, 3


def test_a_transaction_that_takes_its_id_early_and_commits_late_is_noted():
    # With a watermark, be it the highest xid, a sequence or a time, the reader would have passed `early` by `late`.
    early, late = make_key().id, make_key().id
    with new_reader() as reader, other_connection() as first, other_connection() as second:
        with first.transaction():
            first.execute(TAKE_ID)
            second.execute(RENAME, [late])
            assert reader.check() == {("key", late)}
            first.execute(RENAME, [early])
            assert reader.check() == NOTHING
        assert reader.check() == {("key", early)}
        assert reader.check() == NOTHING


def test_each_of_many_open_transactions_is_noted_when_it_commits():
    keys = [make_key().id for _ in range(5)]
    with new_reader() as reader:
        opened = [other_connection() for _ in keys]
        writers = [each.__enter__() for each in opened]
        try:
            for writer, key in zip(writers, keys, strict=True):
                writer.execute("BEGIN")
                writer.execute(RENAME, [key])
                assert reader.check() == NOTHING
            for writer, key in reversed(list(zip(writers, keys, strict=True))):
                writer.execute("COMMIT")
                assert reader.check() == {("key", key)}
        finally:
            for each in opened:
                each.__exit__(None, None, None)


def test_what_is_rolled_back_is_not_noted():
    key = make_key().id
    with new_reader() as reader, other_connection() as writer:
        with writer.transaction(force_rollback=True):
            writer.execute(RENAME, [key])
        assert reader.check() == NOTHING


def test_a_savepoint_notes_changes_under_the_id_of_its_transaction():
    released, undone, key = make_key().id, make_key().id, make_key().id
    with new_reader() as reader, other_connection() as writer:
        with writer.transaction():
            with writer.transaction():
                writer.execute(RENAME, [released])
            with writer.transaction(force_rollback=True):
                writer.execute(RENAME, [undone])
            writer.execute(RENAME, [key])
            ((xid,),) = writer.execute(TAKE_ID).fetchall()
            assert reader.check() == NOTHING
        assert reader.check() == {("key", released), ("key", key)}
        rows = RecordChange.objects.filter(record_id__in=[released, key, undone], kind="key").values_list(
            "xid", "record_id"
        )
        assert {(int(noted), record) for noted, record in rows} == {(xid, released), (xid, key)}


def test_a_repeated_change_adds_one_row_for_each_transaction():
    key = make_key().id
    with other_connection() as writer, writer.transaction():
        writer.execute(RENAME, [key])
        writer.execute(RENAME, [key])
    assert RecordChange.objects.filter(record_id=key, kind="key").count() == 1


def test_a_batch_checks_in_its_own_transaction_after_its_locks():
    key = make_key().row

    async def batch(snapshot: str | None, identity: str | None) -> RecordChanges:
        lock = ("SELECT user_id FROM credit_balances WHERE user_id = $1 FOR NO KEY UPDATE", [key.user_id])
        async with pipelined_transaction() as transaction:
            _, rows = await transaction.fetch(lock, CHECK.bind({"snapshot": snapshot, "identity": identity}))
        return RecordChanges(*rows[0])

    first = call_service(batch, None, None)
    assert not first.is_continuous
    with other_connection() as writer:
        writer.execute(RENAME, [key.pk])
    second = call_service(batch, first.snapshot, first.identity)
    assert (second.is_continuous, second.key_ids, second.user_ids) == (True, [key.pk], None)
    third = call_service(batch, second.snapshot, second.identity)
    assert (third.is_continuous, third.key_ids, third.user_ids) == (True, None, None)
    assert third.now > second.now


def write_names(keys: list[int]) -> dict[int, str]:
    """Rename the keys in transactions of all lengths, and return the name that each has in the end."""
    chance, names = random.Random(keys[0]), dict[int, str]()
    with other_connection() as writer:
        for number in range(CHANGES_EACH):
            key, name = chance.choice(keys), f"name {number}"
            with writer.transaction(force_rollback=(aborts := chance.random() < 0.2)):
                writer.execute(TAKE_ID)
                writer.execute("SELECT pg_sleep(%s)", [chance.random() * 0.004])
                writer.execute("UPDATE api_keys SET name = %s WHERE id = %s", [name, key])
            if not aborts:
                names[key] = name
    return names


def read_names(keys: list[int], done: Event) -> dict[int, str]:
    """Cache the names, and load again only what a check names, until the check after `done`."""
    cached: dict[int, str] = {}
    with other_connection() as opened:
        reader, ends = Reader(opened), False
        while not ends:
            ends = done.is_set()
            changed = reader.check()
            named = keys if changed == ALL else [key for _, key in changed]
            cached.update(opened.execute("SELECT id, name FROM api_keys WHERE id = ANY(%s)", [named]).fetchall())
    return cached


def test_every_committed_change_reaches_every_reader():
    owner, done = make_user(), Event()
    keys = [[make_bare_key(owner).id for _ in range(3)] for _ in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS + READERS) as threads:
        reading = [threads.submit(read_names, [key for own in keys for key in own], done) for _ in range(READERS)]
        writing = [threads.submit(write_names, own) for own in keys]
        try:
            last = {key: name for each in writing for key, name in each.result(60).items()}
        finally:
            done.set()
        for each in reading:
            assert each.result(60).items() >= last.items()


def test_more_changes_than_are_worth_naming_are_all():
    user = make_user()
    with connection.cursor() as cursor, new_reader() as reader:
        note = "INSERT INTO record_changes (kind, record_id) SELECT 'user', n FROM generate_series(1, %s) AS n"
        cursor.execute(note, [CHANGES_MAXIMUM])
        assert len(reader.check()) == CHANGES_MAXIMUM
        cursor.execute(note, [CHANGES_MAXIMUM + 1])
        assert reader.check() == ALL
        cursor.execute("UPDATE users SET is_active = false WHERE id = %s", [user.pk])
        assert reader.check() == {("user", user.pk)}


def explained(opened: psycopg.Connection[Any], reader: Reader, options: str = "") -> str:
    prepared = psycopg.sql.SQL("EXECUTE explained ({}, {})").format(reader.snapshot, reader.identity)
    opened.execute(f"PREPARE explained (text, text) AS {CHECK.sql}".encode())
    plan = opened.execute(f"EXPLAIN {options} ".encode() + prepared.as_bytes(opened)).fetchall()
    opened.execute("DEALLOCATE explained")
    return "\n".join(line for (line,) in plan)


def blocks_read(reader: Reader) -> int:
    plan = explained(reader.opened, reader, "(ANALYZE, BUFFERS, TIMING OFF)")
    found = re.search(r"shared hit=(\d+)", plan)  # the first is of the whole statement
    return int(found[1]) if found else 0


def test_changes_of_a_transaction_in_progress_are_not_read():
    # It may have changed a million keys, and each batch checks.
    note = "INSERT INTO record_changes (kind, record_id) SELECT 'user', n FROM generate_series(1, %s) AS n"
    with new_reader() as reader, other_connection() as writer, other_connection() as other:
        before = blocks_read(reader)
        with writer.transaction():
            writer.execute(note, [50 * CHANGES_MAXIMUM])
            other.execute(TAKE_ID)
            assert reader.check() == NOTHING  # its snapshot shows the transaction as in progress
            assert 0 < blocks_read(reader) < before + CHANGES_MAXIMUM / 10
        assert reader.check() == ALL


@pytest.mark.parametrize(("rows", "analysed"), [(0, False), (100_000, False), (100_000, True)])
def test_the_check_uses_indexes(rows: int, analysed: bool):
    with other_connection() as opened, opened.transaction(force_rollback=True), new_reader() as reader:
        # A copy, because autovacuum may have analysed the table.
        opened.execute("CREATE SCHEMA fresh; CREATE TABLE fresh.record_changes (LIKE record_changes INCLUDING ALL)")
        opened.execute("SET LOCAL search_path = fresh, public")
        opened.execute(
            "INSERT INTO record_changes (xid, kind, record_id) "
            "SELECT (n / 2)::text::xid8, 'key', n FROM generate_series(1, %s) AS n",
            [rows],
        )
        if analysed:
            opened.execute("ANALYZE record_changes")
        plan = explained(opened, reader)
        assert "Seq Scan on record_changes" not in plan
        assert plan.count("Index Cond: (xid") + plan.count("Index Cond: ((xid") == 3
