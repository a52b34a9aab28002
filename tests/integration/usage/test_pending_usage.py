"""Every reader sees the calls of pending batches at once, as it sees them later, by index and in any number."""

import json
import re
from typing import Any

import httpx
import pytest
from django.db import connection

from apps.core.event_loop import call_service
from apps.credits.models import CreditTransaction
from apps.credits.repositories.credit_repository import CreditRepository
from apps.usage.dependencies import usage_personal_data
from apps.usage.repositories.usage_event_repository import SQL
from apps.verification.dependencies import ledger_audit
from tests.integration.usage.pending import (
    add_backlog,
    assert_consistent,
    expand,
    pending,
    rich_keys,
    spend,
)
from tests.support.accounts import Account
from tests.support.factories import IssuedKey, make_user
from tests.support.orm import make, run_in_transaction
from tests.support.sessions import sign_in

pytestmark = pytest.mark.integration

LEDGER = "/api/v1/credits/transactions"
HISTORY, CUSTOMERS = 100_000, 200


@pytest.fixture
def key(database: None) -> IssuedKey:
    """A key with a stored batch and two pending ones, beside others."""
    keys = rich_keys(3)
    spend(keys, "1", "2")
    expand()
    spend(keys[1:], "7")
    spend(keys, "3")
    spend(keys[:1], "0", "4")
    return keys[0]


def read(api_of: Account, api: httpx.AsyncClient, **query: Any) -> Any:
    return api.get(LEDGER, params=query, headers=api_of.headers)


async def test_ledger_of_the_api_is_the_same_before_and_after(api: httpx.AsyncClient, key: IssuedKey):
    me = Account(key.row.user, await make(sign_in, key.row.user))
    queries: list[dict[str, Any]] = [{}, {"type": "usage"}, {"type": "top_up"}, {"size": 1, "page": 2}, {"cursor": ""}]
    before = [(await read(me, api, **query)).json() for query in queries]
    assert [entry["amount"] for entry in before[0]["items"]] == [
        "-4.000000",
        "-3.000000",
        "-3.000000",
        "1000000.000000",
    ]
    assert before[0]["items"][0]["balance_after"] == "999990.000000"
    assert (before[0]["total"], before[1]["total"], before[2]["total"]) == (4, 3, 1)
    await make(expand)
    assert [(await read(me, api, **query)).json() for query in queries] == before


async def test_cursor_goes_on_while_batches_are_expanded(api: httpx.AsyncClient, key: IssuedKey):
    me = Account(key.row.user, await make(sign_in, key.row.user))
    whole = (await read(me, api)).json()["items"]
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        part = (await read(me, api, cursor=cursor, size=1)).json()
        found += part["items"]
        cursor = part["next_cursor"]
        await make(expand, 1)
    assert found == whole


def test_usage_by_key_and_day_counts_pending_calls(key: IssuedKey):
    before = call_service(usage_personal_data().export, key.row.user_id)
    (day,) = before["items"]
    assert (day.calls, day.cost) == (5, 10)
    expand()
    assert call_service(usage_personal_data().export, key.row.user_id) == before


def test_a_posting_finds_its_reference_beside_pending_batches(key: IssuedKey):
    CreditTransaction.objects.create(
        user=key.row.user, type="top_up", amount=1, balance_after=1, reference_id="invoice 7"
    )
    found = call_service(CreditRepository().find_by_reference, key.row.user_id, "invoice 7")
    assert found is not None


CORRUPTIONS = {
    "UPDATE usage_batches SET amounts = ARRAY[amounts[1] + 1] || amounts[2:]": {
        "balance_is_sum_of_ledger",
        "balance_after_is_running_sum",
        "usage_entry_is_sum_of_its_calls",
    },
    "UPDATE usage_batches SET balances_after = ARRAY[9] || balances_after[2:]": {"balance_after_is_running_sum"},
    "UPDATE usage_batches SET costs = ARRAY[costs[1] + 1] || costs[2:]": {
        "usage_entry_is_sum_of_its_calls",
        "budget_spent_is_sum_of_calls",
    },
    "DELETE FROM usage_batches": {
        "balance_is_sum_of_ledger",
        "budget_spent_is_sum_of_calls",
    },
    "INSERT INTO usage_batches SELECT id + 1, occurred_at, user_ids, api_key_ids, costs, weights, request_ids, tags, "
    "debited_ids, amounts, balances_after, entry_ids FROM usage_batches": {
        "balance_is_sum_of_ledger",
        "balance_after_is_running_sum",
        "budget_spent_is_sum_of_calls",
        "usage_entry_is_sum_of_its_calls",
    },
}


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("statement", CORRUPTIONS)
def test_audit_finds_what_was_changed_in_pending_batches(statement: str):
    spend(rich_keys(1), "2")
    assert_consistent()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET session_replication_role = DEFAULT")
    report = call_service(ledger_audit().run)
    assert {violation.check for violation in report.violations} == CORRUPTIONS[statement]


@pytest.fixture
def long_history(database: None) -> int:
    """A customer with a hundredth of a long ledger and of usage; return the id."""
    owner = make_user()
    parameters = {"user": owner.pk, "history": HISTORY, "customers": CUSTOMERS}
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO credit_transactions (user_id, type, amount, balance_after) "
            "SELECT %(user)s + n %% %(customers)s, 'usage', 1, 1 FROM generate_series(1, %(history)s) AS n",
            parameters,
        )
        cursor.execute(
            "INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, tag, request_id) "
            "SELECT now(), %(user)s + n %% %(customers)s, 1, 1, 1, '', 'r' FROM generate_series(1, %(history)s) AS n",
            parameters,
        )
        cursor.execute("ANALYZE credit_transactions, usage_events, usage_batches")
    return owner.pk


async def plan_of(monkeypatch: pytest.MonkeyPatch, user_id: int, position: int) -> str:
    """Return the plan of a part of the ledger."""
    read: list[Any] = []

    async def noted(queryset: Any) -> list[Any]:
        read.append(queryset)
        return []

    monkeypatch.setattr("apps.core.database.orm.queries.fetch_all", noted)
    await CreditRepository().after(user_id, position, 21)
    return str(await run_in_transaction(read.pop().explain, analyze=True))


@pytest.mark.parametrize("backlog", [0, 300])
async def test_newest_part_of_a_ledger_is_merged_from_the_index(
    monkeypatch: pytest.MonkeyPatch, long_history: int, backlog: int
):
    await make(add_backlog, long_history, backlog, CUSTOMERS)
    plan = await plan_of(monkeypatch, long_history, 0)
    assert "Merge Append" in plan, plan
    assert re.search(r"Index Scan using credit_transactions_user .*rows=2[01]\.?\d* ", plan), plan
    of_batches = re.search(r"Function Scan on debit .*(?:loops=(\d+)|never executed)", plan)
    # Batches of others are skipped as a whole.
    assert of_batches, plan
    assert int(of_batches[1] or 0) <= backlog // CUSTOMERS, plan


def test_usage_of_a_customer_is_read_by_the_index(long_history: int):
    add_backlog(long_history, 300, CUSTOMERS)
    with connection.cursor() as cursor:
        parameters = {"user_id": long_history, "maximum": 1000}
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {SQL['by_key_and_day']}", parameters)
        plan = json.dumps(cursor.fetchone()[0])
    assert "user_id_occurred_at_idx" in plan, plan
    assert [int(loops) for loops in re.findall(r'"Alias": "call".*?"Actual Loops": (\d+)', plan)] == [1], plan


def test_ten_thousand_pending_batches_are_readable_and_expandable(long_history: int):
    add_backlog(long_history, 10_000, CUSTOMERS)
    repository = CreditRepository()
    rows, total = call_service(repository.page, long_history, offset=0, size=20, only_type=None)
    assert total == (HISTORY + 10_000) / CUSTOMERS
    assert [row.amount for row in rows] == [-1] * 20
    days = call_service(usage_personal_data().export, long_history)["items"]
    assert sum(day.calls for day in days) == (HISTORY + 10_000) / CUSTOMERS
    assert expand(10_000) == 10_000
    after, total_after = call_service(repository.page, long_history, offset=0, size=20, only_type=None)
    assert ([row.pk for row in after], total_after, pending()) == ([row.pk for row in rows], total, 0)
