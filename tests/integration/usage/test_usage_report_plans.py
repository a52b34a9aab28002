"""Usage of one customer is read by indexes, in one statement, whatever others have used."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from apps.core.event_loop import call_service
from apps.usage.repositories.usage_export_repository import STATEMENTS
from apps.usage.repositories.usage_report_repository import UsageReportRepository, _statement, _values
from apps.usage.schemas.usage_report import UsageQuery
from tests.integration.usage.pending import add_backlog
from tests.integration.usage.rollups import roll_up
from tests.support.factories import make_user

pytestmark = pytest.mark.usefixtures("database")

EVENTS = """
INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, tag, request_id)
SELECT now() - interval '5 minutes' - n * interval '20 seconds',
    %(user)s + n %% 200, %(user)s + n %% 400, 1, 1, 'eu', 'r'
FROM generate_series(1, 60000) AS n
"""
DENIALS = """
INSERT INTO denials (api_key_id, minute_at, code, count)
SELECT n, date_trunc('minute', now()), 'EXPIRED', 1 FROM generate_series(1, 20000) AS n
"""
TABLES = {"usage_events", "key_usage_quarters", "tag_usage_quarters", "customer_usage_days", "denials"}
SETTINGS = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")


@pytest.fixture
def customer_id(database: None) -> int:
    """A customer with a two-hundredth of the usage, half of it rolled up, and some of it pending."""
    user_id: int = make_user().pk
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, {"user": user_id})
        cursor.execute(DENIALS)
        roll_up(lag_seconds=3600, events_at_once=20_000)
        cursor.execute("ANALYZE usage_events, key_usage_quarters, tag_usage_quarters, customer_usage_days, denials")
    add_backlog(user_id, 200, 200)
    return user_id


def nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(each for part in node.get("Plans", ()) for each in nodes(part))]


def plan_of(sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        for name in SETTINGS:
            cursor.execute(f"SET {name} = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values)
        found = cursor.fetchone()[0]
        for name in SETTINGS:
            cursor.execute(f"RESET {name}")
    return nodes((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])


def rows_read(plan: list[dict[str, Any]]) -> dict[str, int]:
    read: dict[str, int] = {}
    for node in plan:
        table = str(node.get("Relation Name", ""))
        name = "usage_events" if table.startswith("usage_events_") else table
        if name in TABLES and node["Node Type"] != "BitmapAnd":
            removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
            read[name] = read.get(name, 0) + int(node["Actual Loops"] * (node["Actual Rows"] + removed))
    return read


@pytest.mark.parametrize("group_by", [None, "key", "tag", "code"])
def test_a_report_reads_the_customers_rows_only(customer_id: int, group_by: str | None):
    period = UsageQuery(tz="Europe/Berlin").period(datetime.now(UTC))
    values = {**_values(period, 10), "user_id": customer_id, "key_ids": [customer_id, customer_id + 200]}
    plan = plan_of(_statement(group_by, has_days=False, is_of_all=False), values)
    assert not [node for node in plan if node["Node Type"] == "Seq Scan" and node["Relation Name"] in TABLES]
    read = rows_read(plan)
    # Three hundred calls; the last hour is not rolled up. By tag, its rows are read twice.
    assert max(read.values()) <= 700, read
    assert read.get("usage_events", 0) <= 20, read


def test_a_report_is_one_statement_with_every_call(customer_id: int):
    query = UsageQuery(tz="Europe/Berlin")
    sums = call_service(
        UsageReportRepository().of_customer, customer_id, [customer_id], query.period(datetime.now(UTC)), None, 10
    )
    assert sum(each.calls for each in sums) == 300 + 1


def test_a_part_of_an_export_reads_no_more_than_it_returns(customer_id: int):
    values = {
        "user_id": customer_id,
        "after_at": datetime(2026, 1, 1, tzinfo=UTC),
        "after_id": 0,
        "ends_at": datetime.now(UTC),
        "maximum": 50,
        "shows_cost": True,
    }
    assert rows_read(plan_of(STATEMENTS["csv"], values))["usage_events"] <= 60
