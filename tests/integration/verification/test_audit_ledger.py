"""`manage.py audit_ledger`, on consistent ledgers and on ledgers that were corrupted on purpose."""

import asyncio
import io
import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone

from apps.api_keys.models import ApiKeyCounter
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.credits.dependencies import credit_service
from apps.credits.models import CreditBalance, CreditTransaction
from apps.credits.schemas.credit_transaction import CreditPosting
from tests.integration.usage.rollups import roll_up
from tests.support.factories import IssuedKey, give_credits, make_key, make_service_key
from tests.support.orm import make, rows

pytestmark = pytest.mark.usefixtures("database")

VERIFY = "/api/v1/keys/verify"
CALL = """
INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, credit_transaction_id, tag, request_id)
VALUES (%s, %s, %s, %s, 1, %s, '', '') RETURNING id
"""


def audit() -> tuple[Any, int]:
    """Return the report and the exit code."""
    out, code = io.StringIO(), 0
    try:
        call_command("audit_ledger", "--json", stdout=out)
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    return json.loads(out.getvalue()), code


def violations() -> list[dict[str, Any]]:
    """Return what is wrong, without what is not named."""
    report, code = audit()
    assert (code, report["violations_total"]) == (1, len(report["violations"]))
    return [
        {name: value for name, value in violation.items() if value is not None} for violation in report["violations"]
    ]


def corrupt(statement: str, *parameters: Any) -> None:
    """Change what the database itself refuses to change."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement, parameters)
        cursor.execute("SET session_replication_role = DEFAULT")


def call(key: IssuedKey, cost: str, transaction_id: int | None) -> int:
    """Write the usage row of a call."""
    with connection.cursor() as cursor:
        cursor.execute(CALL, [timezone.now(), key.row.user_id, key.id, cost, transaction_id])
        (row_id,) = cursor.fetchone()
    return int(row_id)


def spend(key: IssuedKey, *costs: str) -> CreditTransaction:
    """Write what verification writes of a batch of calls: the entry, its usage rows, balance and budget."""
    spent = sum((Decimal(cost) for cost in costs), Decimal(0))
    CreditBalance.objects.filter(pk=key.row.user_id).update(balance=F("balance") - spent)
    balance = CreditBalance.objects.get(pk=key.row.user_id).balance
    entry = CreditTransaction.objects.create(
        user_id=key.row.user_id, type="usage", amount=-spent, balance_after=balance
    )
    for cost in costs:
        call(key, cost, entry.pk)
    ApiKeyCounter.objects.filter(pk=key.id).update(budget_spent=F("budget_spent") + spent)
    return entry


def fund(key: IssuedKey, amount: str = "10") -> int:
    """Post credits to the key's owner and return the entry's id."""
    posting = CreditPosting.model_validate({"amount": amount})
    return call_service(credit_service().post, OPERATOR, key.row.user_id, posting).id


@pytest.fixture
def key() -> IssuedKey:
    """A key whose owner has paid for calls and made some, among others who have too."""
    for _ in range(2):
        other = make_key()
        fund(other)
        spend(other, "1")
    key = make_key()
    fund(key)
    return key


def test_an_empty_ledger_is_consistent():
    assert audit() == (
        {
            "balances": 0,
            "transactions": 0,
            "usage_events": 0,
            "api_keys": 0,
            "violations_total": 0,
            "violations": [],
        },
        0,
    )


def test_a_correct_ledger_is_consistent(key):
    spend(key, "0.5", "0.000001", "1.25")
    fund(key, "0.1")
    spend(make_key(key.row.user), "2")
    call(key, "0", None)
    report, code = audit()
    assert (code, report["violations"]) == (0, [])
    assert (report["balances"], report["transactions"], report["usage_events"], report["api_keys"]) == (3, 8, 7, 4)


def test_a_consistent_ledger_is_reported_in_a_line(key):
    out = io.StringIO()
    call_command("audit_ledger", stdout=out)
    assert (
        out.getvalue() == "The ledger is consistent: 3 balances, 5 ledger entries, 2 usage events and 3 keys agree.\n"
    )


def test_violations_are_reported_in_lines(key):
    corrupt("UPDATE credit_balances SET balance = 11 WHERE user_id = %s", key.row.user_id)
    out = io.StringIO()
    with pytest.raises(SystemExit) as leaving:
        call_command("audit_ledger", stdout=out)
    violation, summary = out.getvalue().splitlines()
    assert leaving.value.code == 1
    assert violation == (f"balance_is_sum_of_ledger: user {key.row.user_id}: expected 10.000000, found 11.000000")
    assert summary.startswith("The ledger is inconsistent. Violations: 1, shown: 1, compared: 3 balances, ")


def test_finds_a_balance_that_is_not_the_sum(key):
    corrupt("UPDATE credit_balances SET balance = balance + 0.000001 WHERE user_id = %s", key.row.user_id)
    assert violations() == [
        {
            "check": "balance_is_sum_of_ledger",
            "user_id": key.row.user_id,
            "expected": "10.000000",
            "found": "10.000001",
        }
    ]


def test_finds_a_ledger_without_a_balance(key):
    corrupt("DELETE FROM credit_balances WHERE user_id = %s", key.row.user_id)
    assert violations() == [{"check": "balance_is_sum_of_ledger", "user_id": key.row.user_id, "expected": "10.000000"}]


def test_finds_an_entry_that_was_removed(key):
    removed, later = spend(key, "1"), fund(key)
    corrupt("DELETE FROM credit_transactions WHERE id = %s", removed.pk)
    corrupt("DELETE FROM usage_events WHERE credit_transaction_id = %s", removed.pk)
    ApiKeyCounter.objects.filter(pk=key.id).update(budget_spent=0)
    user = {"user_id": key.row.user_id, "expected": "20.000000", "found": "19.000000"}
    assert violations() == [
        {"check": "balance_is_sum_of_ledger", **user},
        {"check": "balance_after_is_running_sum", "transaction_id": later, **user},
    ]


def test_finds_a_balance_after_that_is_not_the_running_sum(key):
    entry = fund(key)
    fund(key)
    corrupt("UPDATE credit_transactions SET balance_after = 21 WHERE id = %s", entry)
    assert violations() == [
        {
            "check": "balance_after_is_running_sum",
            "user_id": key.row.user_id,
            "transaction_id": entry,
            "expected": "20.000000",
            "found": "21.000000",
        }
    ]


def test_finds_calls_that_were_removed(key):
    entry = spend(key, "1.5")
    corrupt("DELETE FROM usage_events WHERE credit_transaction_id = %s", entry.pk)
    user = {"user_id": key.row.user_id}
    assert violations() == [
        {
            "check": "usage_entry_is_sum_of_its_calls",
            "transaction_id": entry.pk,
            "expected": "0",
            "found": "-1.500000",
            **user,
        },
        {"check": "budget_spent_is_sum_of_calls", "api_key_id": key.id, "expected": "0", "found": "1.500000", **user},
    ]


def test_finds_a_call_that_costs_more_than_was_charged(key):
    entry = spend(key, "1.5", "1")
    corrupt("UPDATE usage_events SET cost = 2 WHERE cost = 1.5")
    found = {violation["check"]: (violation["expected"], violation["found"]) for violation in violations()}
    assert found == {
        "usage_entry_is_sum_of_its_calls": ("-3.000000", "-2.500000"),
        "budget_spent_is_sum_of_calls": ("3.000000", "2.500000"),
    }
    assert violations()[0]["transaction_id"] == entry.pk


@pytest.mark.parametrize("charged_to", ["no account", "no entry", "another customer", "a top-up"])
def test_finds_a_call_that_is_not_charged_to_its_customer(key, charged_to):
    other = CreditTransaction.objects.filter(type="usage").exclude(user_id=key.row.user_id).latest("id")
    entries = {"no account": None, "no entry": 10**12, "another customer": other.pk, "a top-up": fund(key)}
    row_id = call(key, "0.25", entries[charged_to])
    ApiKeyCounter.objects.filter(pk=key.id).update(budget_spent="0.25")
    uncharged = [found for found in violations() if found["check"] == "each_call_is_charged_to_its_customer"]
    expected = {
        "check": "each_call_is_charged_to_its_customer",
        "user_id": key.row.user_id,
        "transaction_id": entries[charged_to],
        "usage_event_id": row_id,
        "api_key_id": key.id,
        "expected": "0.250000",
        "found": "0",
    }
    assert uncharged == [{name: value for name, value in expected.items() if value is not None}]


def test_finds_a_negative_balance(key):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE credit_balances DROP CONSTRAINT credit_balances_not_negative")
    try:
        corrupt("UPDATE credit_balances SET balance = -1 WHERE user_id = %s", key.row.user_id)
        checks = {violation["check"] for violation in violations()}
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE credit_balances SET balance = 0 WHERE balance < 0")
            cursor.execute(
                "ALTER TABLE credit_balances ADD CONSTRAINT credit_balances_not_negative CHECK (balance >= 0)"
            )
    assert checks == {"balance_is_sum_of_ledger", "balance_is_not_negative"}


def test_finds_a_budget_that_is_not_the_sum_and_a_key_without_counters(key):
    spend(key, "1")
    corrupt("UPDATE api_key_counters SET budget_spent = 3 WHERE api_key_id = %s", key.id)
    lost = make_key(key.row.user)
    spend(lost, "2")
    corrupt("DELETE FROM api_key_counters WHERE api_key_id = %s", lost.id)
    budget = {"check": "budget_spent_is_sum_of_calls", "user_id": key.row.user_id}
    assert violations() == [
        {**budget, "api_key_id": key.id, "expected": "1.000000", "found": "3.000000"},
        {**budget, "api_key_id": lost.id, "expected": "2.000000"},
    ]


def test_a_hundred_violations_are_shown_and_all_are_counted(key):
    for _ in range(101):
        make_key()
    corrupt("UPDATE api_key_counters SET budget_spent = budget_spent + 1")
    report, code = audit()
    assert (code, report["violations_total"], len(report["violations"])) == (1, 104, 100)


async def test_verification_keeps_the_ledger_consistent(api: httpx.AsyncClient):
    key, service = await make(make_key), await make(make_service_key)
    await make(fund, key)
    costs = ("0.25", "0", "1.000001", "3", "9")
    queries = [api.post(VERIFY, json={"key": key.secret, "cost": cost}, headers=service.headers) for cost in costs]
    codes = [answer.json()["code"] for answer in await asyncio.gather(*queries)]
    assert codes == ["VALID"] * 4 + ["INSUFFICIENT_CREDITS"]
    report, code = await make(audit)
    assert (code, report["violations"], report["usage_events"]) == (0, [], 4)
    (balance,) = await rows(CreditBalance.objects.filter(pk=key.row.user_id))
    assert str(balance.balance) == "5.749999"


def test_rollup_that_differs_from_its_calls_is_found():
    key = make_key()
    give_credits(key.row.user, 10)
    spend(key, "2", "3")
    roll_up()
    assert audit()[1] == 0
    corrupt("UPDATE key_usage_quarters SET cost = cost + 1")
    (found,) = violations()
    assert (found["check"], found["api_key_id"], found["expected"], found["found"]) == (
        "rollup_is_sum_of_calls",
        key.id,
        "5.000000",
        "6.000000",
    )
    corrupt("DELETE FROM key_usage_quarters")
    assert [each["check"] for each in violations()] == ["rollup_is_sum_of_calls"]
