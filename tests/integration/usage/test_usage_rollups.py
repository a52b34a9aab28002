"""Rollups are the sums of all usage events before their mark: late batches, kills and many rollups at once included."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.core.event_loop import call_service
from apps.usage.dependencies import usage_rollups
from apps.usage.models import CustomerUsageDay, KeyUsageQuarter, UsageRollup
from tests.integration.usage.pending import assert_consistent, expand, pending, rich_keys, spend
from tests.integration.usage.rollups import assert_rollups_are_exact, roll_up, rolled_up
from tests.integration.usage.workers import in_thread, other_connection, worker_process
from tests.support.orm import wait_for_a_waiting_lock

pytestmark = pytest.mark.usefixtures("database")

NOTHING = {"keys": 0, "tags": 0, "customers": 0}
OLD_CALLS = """
INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, tag, request_id)
SELECT now() - make_interval(mins => n * 7), 1 + n %% 3, 1 + n %% 5, n * 0.5, n,
    CASE WHEN n %% 2 = 0 THEN 'eu' ELSE '' END, 'r'
FROM generate_series(1, %s) AS n
"""


def run(statement: str, parameters: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def test_rollups_are_the_sums_of_the_events():
    keys = rich_keys(3)
    spend([*keys, keys[0]], "1.5", "0", "0.000001", tag="eu")
    spend(keys[:1], "2", weight=3)
    expand()
    assert roll_up() == 1
    assert rolled_up() == {"keys": 13, "tags": 12, "customers": 13}
    row = KeyUsageQuarter.objects.get(api_key_id=keys[0].id)
    assert (row.calls, row.weight, str(row.cost)) == (7, 9, "5.000002")
    assert_rollups_are_exact()


def test_history_of_weeks_is_rolled_up_in_parts():
    run(OLD_CALLS, [4000])
    assert roll_up(events_at_once=300) > 1
    assert rolled_up() == {"keys": 4000, "tags": 2000, "customers": 4000}
    assert_rollups_are_exact()
    assert CustomerUsageDay.objects.values("day_at").distinct().count() >= 20


def test_more_events_of_one_moment_than_a_part_are_rolled_up_once():
    run(
        "INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, tag, request_id) "
        "SELECT now() - interval '1 hour', 1, 1, 1, 1, '', 'r' FROM generate_series(1, 500)"
    )
    roll_up(events_at_once=100)
    assert rolled_up()["keys"] == 500
    assert_rollups_are_exact()


def test_batch_that_is_expanded_late_is_added():
    keys = rich_keys(2)
    spend(keys, "1", tag="eu")
    roll_up()  # the batch is pending, and the mark passes it
    assert rolled_up()["keys"] == 0
    spend(keys, "2")
    assert (expand(), rolled_up()) == (2, {"keys": 2, "tags": 2, "customers": 2})
    assert_rollups_are_exact()
    roll_up()
    assert rolled_up() == {"keys": 4, "tags": 2, "customers": 4}
    assert_rollups_are_exact()


def test_late_batch_is_added_to_rows_that_are_there():
    keys = rich_keys(1)
    spend(keys, "1", tag="eu")
    expand()
    roll_up()
    spend(keys, "2", tag="eu")
    roll_up()
    run("DELETE FROM usage_batches")
    assert rolled_up() == {"keys": 2, "tags": 2, "customers": 2}
    assert_rollups_are_exact()


def test_last_seconds_are_left_for_the_next_run():
    spend(rich_keys(1), "1")
    expand()
    roll_up(lag_seconds=10)
    assert rolled_up()["keys"] == 0
    assert UsageRollup.objects.get().rolled_up_until <= timezone.now() - timedelta(seconds=10)


def test_job_pauses_after_a_run():
    run(OLD_CALLS, [10])
    assert call_service(usage_rollups().roll_up) is False
    before = UsageRollup.objects.get().rolled_up_until
    assert before > timezone.now() - timedelta(seconds=30)
    call_service(usage_rollups().roll_up)
    assert UsageRollup.objects.get().rolled_up_until == before
    assert rolled_up()["keys"] == 10


def test_only_one_process_rolls_up_at_a_time():
    run(OLD_CALLS, [10])
    with closing(other_connection()) as other:
        other.execute("BEGIN")
        other.execute("SELECT pg_advisory_xact_lock(7205003)")
        roll_up()
        assert rolled_up()["keys"] == 0
        other.execute("ROLLBACK")
    roll_up()
    assert rolled_up()["keys"] == 10


def test_expansion_by_hand_that_overlaps_a_rollup_is_counted_once():
    keys = rich_keys(1)
    spend(keys, "1")
    with closing(other_connection()) as other, ThreadPoolExecutor(1) as pool:
        other.execute("BEGIN")
        other.execute("DELETE FROM usage_batches")  # the events are inserted, and not committed
        rolling = pool.submit(rolled_in_thread)
        wait_for_a_waiting_lock()
        other.execute("COMMIT")
        rolling.result()
    assert rolled_up()["keys"] == 1
    assert_rollups_are_exact()


def rolled_in_thread(**how: Any) -> int:
    with in_thread():
        return roll_up(**how)


def test_rollups_at_once_while_calls_go_on_lose_and_double_nothing():
    keys, done = rich_keys(4), threading.Event()

    def repeat(work: Any) -> None:
        with in_thread():
            while not done.is_set():
                work()

    with ThreadPoolExecutor(4) as pool:
        works = [pool.submit(repeat, work) for work in (roll_up, roll_up, lambda: expand(2), lambda: expand(2))]
        for number in range(40):
            spend(keys, "0.5", "1", tag=str(number % 3))
        done.set()
        for work in works:
            work.result()
    while expand():
        pass
    roll_up()
    assert rolled_up() == {"keys": 320, "tags": 320, "customers": 320}
    assert_rollups_are_exact()
    assert_consistent()


@pytest.mark.parametrize("victim", ["worker", "server process"])
def test_rollup_that_is_killed_leaves_nothing_half_done(victim: str):
    run(OLD_CALLS, [100])
    before = UsageRollup.objects.get().rolled_up_until
    rolling = worker_process("apps.usage.dependencies.usage_rollups", "roll_up")
    with closing(other_connection()) as other, rolling as worker:
        other.execute("BEGIN")
        other.execute("LOCK TABLE customer_usage_days IN SHARE MODE")
        worker.start()
        wait_for_a_waiting_lock()
        if victim == "worker":
            worker.kill()
        else:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        assert (rolled_up(), UsageRollup.objects.get().rolled_up_until) == (NOTHING, before)
        other.execute("ROLLBACK")
    while rolled_up() == NOTHING:  # the killed worker's server process ends when it notices
        roll_up()
    assert rolled_up() == {"keys": 100, "tags": 50, "customers": 100}
    assert_rollups_are_exact()
    assert pending() == 0
