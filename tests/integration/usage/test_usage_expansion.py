"""Pending batches become usage events and ledger entries: none is lost, none twice, and readers see no difference."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core.event_loop import call_service
from apps.credits.models import CreditTransaction
from apps.usage.dependencies import refusals
from apps.usage.models import UsageBatch, UsageEvent
from apps.usage.repositories.usage_denial_repository import UsageDenialRepository
from apps.usage.repositories.usage_event_repository import UsageEventRepository
from apps.usage.services import usage_service as service
from apps.usage.services.usage_service import UsageService
from tests.integration.usage.pending import assert_consistent, books, expand, pending, rich_keys, spend
from tests.integration.usage.workers import in_thread, other_connection, worker_process
from tests.integration.verification.verifying import make_limited_key
from tests.support.factories import give_credits
from tests.support.orm import wait_for_a_waiting_lock

pytestmark = pytest.mark.usefixtures("database")


def run(statement: str, parameters: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def test_expansion_changes_nothing_that_is_read():
    keys = rich_keys(3)
    spend([*keys, keys[0]], "1.5", "0", "0.000001", tag="a")
    spend(keys[1:], "0")
    before = books()
    assert (pending(), UsageEvent.objects.count(), CreditTransaction.objects.count()) == (2, 0, 3)
    assert [row["amount"].as_tuple().exponent for row in before.ledger] == [-6] * 6
    assert expand() == 2
    assert books() == before
    assert (pending(), UsageEvent.objects.count(), CreditTransaction.objects.count()) == (0, 14, 6)
    assert_consistent()


def test_oldest_batches_are_expanded_first():
    keys = rich_keys(1)
    for _ in range(3):
        spend(keys, "1")
    newest = UsageBatch.objects.latest("id").pk
    assert expand(2) == 2
    assert UsageBatch.objects.get().pk == newest


def test_an_amount_of_fifteen_digits_stays_exact():
    key = make_limited_key()
    give_credits(key.row.user, "99999999999999.999999")
    spend([key], "12345678901234.567891")
    assert expand() == 1
    entry = CreditTransaction.objects.latest("id")
    assert (str(entry.amount), str(entry.balance_after)) == ("-12345678901234.567891", "87654321098765.432108")
    assert_consistent()


def test_job_reports_more_after_a_full_chunk_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(service, "BATCHES_AT_ONCE", 2)
    keys = rich_keys(1)
    for _ in range(3):
        spend(keys, "1")
    expand_batches = service_without_state().expand_batches
    assert [call_service(expand_batches) for _ in range(3)] == [True, False, False]
    assert_consistent()


def service_without_state() -> UsageService:
    """Return a service that has expanded nothing yet."""
    return UsageService(UsageEventRepository(), UsageDenialRepository(), refusals(), 24)


def test_space_of_expanded_batches_is_used_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(service, "VACUUM_AFTER", 4)
    keys, expanding = rich_keys(4), service_without_state()
    sizes = []
    for _ in range(12):
        for _ in range(4):
            spend(keys * 10, "1", request_id="r" * 60)
        call_service(expanding.expand_batches)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_relation_size('usage_batches')")
            sizes.append(cursor.fetchone()[0])
    assert sizes[-1] <= 2 * sizes[0]


REWRITES = ["UPDATE usage_batches SET weights = weights", "TRUNCATE usage_batches"]


@pytest.mark.parametrize("statement", REWRITES)
def test_pending_batches_are_not_rewritten(statement: str):
    spend(rich_keys(1), "1")
    before = books()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run(statement)
    assert (books(), pending()) == (before, 1)


def test_a_batch_is_expanded_whatever_deletes_it():
    spend(rich_keys(2), "1", "2")
    before = books()
    run("DELETE FROM usage_batches")
    assert (books(), pending()) == (before, 0)


def test_database_refuses_a_batch_with_arrays_of_different_lengths():
    spend(rich_keys(1), "1")
    columns = "occurred_at, user_ids, api_key_ids, costs, weights, request_ids, debited_ids, amounts, balances_after"
    for wrong in ("user_ids", "weights", "request_ids", "amounts"):
        shown = columns.replace(f" {wrong},", f" {wrong} || {wrong},")
        statement = f"INSERT INTO usage_batches (id, {columns}, entry_ids) SELECT 1, {shown}, entry_ids"
        with pytest.raises(DatabaseError, match="usage_batches_lengths"), transaction.atomic():
            run(f"{statement} FROM usage_batches")


def test_only_one_process_expands_at_a_time():
    spend(rich_keys(1), "1")
    with closing(other_connection()) as other:
        other.execute("BEGIN")
        other.execute("SELECT pg_advisory_xact_lock(7205002)")
        assert (expand(), pending()) == (0, 1)
        other.execute("ROLLBACK")
    assert (expand(), pending()) == (1, 0)


def test_many_expanders_while_calls_go_on_lose_and_double_nothing():
    keys = rich_keys(4)
    done = threading.Event()

    def expand_until_done() -> int:
        with in_thread():
            total = 0
            while not done.is_set() or pending():
                total += expand(3)
            return total

    with ThreadPoolExecutor(4) as pool:
        expanders = [pool.submit(expand_until_done) for _ in range(3)]
        for _ in range(40):
            spend(keys, "0.5", "1")
        done.set()
        assert sum(expander.result() for expander in expanders) == 40
    assert (UsageEvent.objects.count(), CreditTransaction.objects.filter(type="usage").count()) == (320, 160)
    assert_consistent()


def test_readers_see_every_call_once_while_batches_are_expanded():
    keys = rich_keys(4)
    for _ in range(60):
        spend(keys, "0.5", "1")
    done, seen = threading.Event(), set()
    sums = """SELECT (SELECT (count(*), sum(amount), count(DISTINCT id)) FROM ledger_entries)::text,
        (SELECT (count(*), sum(cost), count(DISTINCT id)) FROM usage_records)::text"""

    def read() -> int:
        reads = 0
        with closing(other_connection()) as reader:
            while not done.is_set():
                seen.add(reader.execute(sums).fetchone())
                reads += 1
        return reads

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        while expand(1):
            pass
        done.set()
        assert reading.result() > 5
    ledger = f"(244,{4 * 1_000_000 - 360}.000000,244)"
    assert seen == {(ledger, "(480,360.000000,480)")}


@pytest.mark.parametrize("victim", ["worker", "server process"])
def test_expansion_that_is_killed_loses_and_doubles_nothing(victim: str):
    keys = rich_keys(2)
    for _ in range(5):
        spend(keys, "1", "2")
    before = books()
    with (
        closing(other_connection()) as other,
        worker_process("apps.usage.dependencies.usage_service", "expand_batches") as worker,
    ):
        other.execute("BEGIN")
        other.execute("LOCK TABLE usage_events IN SHARE MODE")  # the entries are inserted, the events not yet
        worker.start()
        wait_for_a_waiting_lock()
        assert books() == before
        if victim == "worker":
            worker.kill()
        else:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        assert books() == before
        other.execute("ROLLBACK")
    while expand():
        pass
    assert (books(), pending()) == (before, 0)
    assert_consistent()
