"""Usage events are partitioned by day, ahead of time, and dropped after the retention; their sums stay."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from apps.core.event_loop import call_service
from apps.usage.dependencies import refusals, usage_reports
from apps.usage.models import UsageEvent, UsageRollup
from apps.usage.repositories.usage_denial_repository import UsageDenialRepository
from apps.usage.repositories.usage_event_repository import UsageEventRepository
from apps.usage.schemas.usage_report import UsageQuery
from apps.usage.services.usage_service import PARTITION_DAYS_AHEAD, UsageService
from tests.integration.usage.pending import assert_consistent, expand, rich_keys, spend
from tests.integration.usage.rollups import roll_up
from tests.integration.usage.workers import in_thread, other_connection
from tests.support.factories import IssuedKey

pytestmark = pytest.mark.usefixtures("database")

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
OLD = TODAY - timedelta(days=40)
# Moves the calls of a customer, and what they were charged, to an old day.
AGE = """
SET session_replication_role = replica;
UPDATE credit_transactions SET occurred_at = occurred_at - interval '40 days' WHERE type = 'usage';
SET session_replication_role = DEFAULT;
UPDATE usage_events SET occurred_at = occurred_at - interval '40 days';
"""


def service(days: int) -> UsageService:
    return UsageService(UsageEventRepository(), UsageDenialRepository(), refusals(), 24, days)


def maintain(days: int = 32) -> int:
    """Run the job, and return how many partitions it has dropped."""
    dropped = 0
    while call_service(service(days).maintain_partitions):
        dropped += 1
    return dropped


def run(statement: str, parameters: Any = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def partitions() -> set[str]:
    return {name for (name,) in run("SELECT inhrelid::regclass::text FROM pg_inherits "
                                    "WHERE inhparent = 'usage_events'::regclass")}  # fmt: skip


def name_of(day: datetime) -> str:
    return f"usage_events_{day:%Y_%m_%d}"


@pytest.fixture
def old_key() -> IssuedKey:
    """A key that was used forty days ago, in a partition of that day, and today."""
    bounds = f"FROM ('{OLD}') TO ('{OLD + timedelta(days=1)}')"
    run(f"CREATE TABLE IF NOT EXISTS {name_of(OLD)} PARTITION OF usage_events FOR VALUES {bounds}")
    (key,) = rich_keys(1)
    spend([key], "1", "2", tag="eu")
    expand()
    run(AGE)
    spend([key], "4")
    expand()
    return key


def report_of(key: IssuedKey) -> Any:
    query = UsageQuery.model_validate({"from": OLD, "group_by": "tag"})
    return call_service(usage_reports().of_customer, key.row.user_id, [key.id], query)


def test_partitions_are_made_ahead():
    run(f"DROP TABLE {name_of(TODAY + timedelta(days=3))}")
    maintain()
    coming = {name_of(TODAY + timedelta(days=ahead)) for ahead in range(PARTITION_DAYS_AHEAD + 1)}
    assert coming <= partitions()
    assert maintain() == 0


def test_day_is_dropped_when_it_is_old_and_rolled_up(old_key: IssuedKey):
    assert (maintain(), UsageEvent.objects.count()) == (0, 3)  # not rolled up yet
    roll_up()
    before = report_of(old_key)
    assert (maintain(days=40), maintain(days=0), UsageEvent.objects.count()) == (0, 0, 3)
    assert maintain(days=39) == 1
    assert (name_of(OLD) in partitions(), UsageEvent.objects.count()) == (False, 1)
    assert UsageRollup.objects.get().events_dropped_until == OLD + timedelta(days=1)
    assert report_of(old_key) == before
    assert (before.total.calls, before.total.cost) == (3, 7)
    assert_consistent()


def test_call_that_is_expanded_after_its_day_was_dropped_is_counted(old_key: IssuedKey):
    roll_up()
    spend([old_key], "8")
    run("ALTER TABLE usage_batches DISABLE TRIGGER USER")
    run("UPDATE usage_batches SET occurred_at = occurred_at - interval '40 days'")
    run("ALTER TABLE usage_batches ENABLE TRIGGER USER")
    assert maintain() == 1
    assert report_of(old_key).total.cost == 15
    expand()
    assert (report_of(old_key).total.cost, report_of(old_key).total.calls) == (15, 4)


def test_rows_of_an_old_day_without_a_partition_are_deleted_with_the_next(old_key: IssuedKey):
    run("INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, tag, request_id) "
        "VALUES (%s, 1, 1, 0, 1, '', 'r')", [OLD - timedelta(days=5)])  # fmt: skip
    roll_up()
    assert maintain() == 1
    assert UsageEvent.objects.count() == 1


def test_drop_waits_for_an_expansion_and_neither_fails(old_key: IssuedKey):
    roll_up()
    spend([old_key], "1")
    with closing(other_connection()) as other, in_thread():
        other.execute("BEGIN")
        other.execute("SELECT pg_advisory_xact_lock(7205002)")
        other.execute("DELETE FROM usage_batches")
        other.execute("SET LOCAL lock_timeout = '1s'")
        with pytest.raises(Exception, match=r"lock timeout|unavailable"):
            maintain()
        other.execute("COMMIT")
    assert maintain() == 1
    roll_up()
    assert UsageEvent.objects.count() == 2


def test_month_of_an_earlier_version_is_dropped_as_a_whole():
    run("CREATE TABLE usage_events_2020_01 PARTITION OF usage_events FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')")
    roll_up()
    assert "usage_events_2020_01" in partitions()
    assert maintain() == 1
    assert "usage_events_2020_01" not in partitions()


def test_server_of_the_version_before_starts():
    run("SELECT ensure_usage_partitions(12)")
    assert name_of(TODAY + timedelta(days=1)) in partitions()
