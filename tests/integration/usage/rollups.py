"""Rolling usage up in tests, and comparing the rollups with the usage that they are sums of."""

from typing import Any

from django.db import connection

from apps.core.event_loop import call_service
from apps.usage.repositories.usage_rollup_repository import UsageRollupRepository
from apps.usage.services.usage_rollups import UsageRollups

# What is in a rollup and not in the usage up to the mark, or the other way round.
DIFFERENCES = """
WITH event AS (
    SELECT * FROM usage_events WHERE occurred_at < (SELECT rolled_up_until FROM usage_rollups)
), sums AS (
    SELECT 'key' AS kind, user_id, api_key_id::text AS name,
        date_bin('15 minutes', occurred_at, '2000-01-01 00:00+00') AS at,
        count(*)::bigint AS calls, sum(weight)::bigint AS weight, sum(cost) AS cost
    FROM event GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT 'tag', user_id, tag, date_bin('15 minutes', occurred_at, '2000-01-01 00:00+00'),
        count(*), sum(weight), sum(cost)
    FROM event WHERE tag <> '' GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT 'customer', user_id, '', date_trunc('day', occurred_at, 'UTC'), count(*), sum(weight), sum(cost)
    FROM event GROUP BY 1, 2, 3, 4
), rollup AS (
    SELECT 'key' AS kind, user_id, api_key_id::text AS name, quarter_at AS at, calls, weight, cost
    FROM key_usage_quarters
    UNION ALL
    SELECT 'tag', user_id, tag, quarter_at, calls, weight, cost FROM tag_usage_quarters
    UNION ALL
    SELECT 'customer', user_id, '', day_at, calls, weight, cost FROM customer_usage_days
)
(SELECT 'missing', * FROM (SELECT * FROM sums EXCEPT ALL SELECT * FROM rollup) AS missing)
UNION ALL
(SELECT 'wrong', * FROM (SELECT * FROM rollup EXCEPT ALL SELECT * FROM sums) AS wrong)
"""


def roll_up(*, lag_seconds: float = 0, events_at_once: int = 1000) -> int:
    """Roll up what is due, whatever the pause, and return in how many runs."""
    rollups = UsageRollups(UsageRollupRepository(), 0, lag_seconds, events_at_once)
    runs = 1
    while call_service(rollups.roll_up):
        runs += 1
    return runs


def rolled_up() -> dict[str, int]:
    """Return the number of calls in each rollup."""
    tables = ("key_usage_quarters", "tag_usage_quarters", "customer_usage_days")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(f'(SELECT coalesce(sum(calls), 0) FROM {table})' for table in tables)}")
        return dict(zip(("keys", "tags", "customers"), map(int, cursor.fetchone()), strict=True))


def assert_rollups_are_exact() -> None:
    """Assert that the rollups are the sums of all usage events before the mark."""
    with connection.cursor() as cursor:
        cursor.execute(DIFFERENCES)
        found: list[Any] = cursor.fetchall()
    assert found == []
