"""Old and new workers run side by side during an upgrade, and the migrations go back and forth with pending batches."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from apps.credits.models import CreditTransaction
from apps.usage.models import UsageDenial
from tests.integration.usage.pending import assert_consistent, books, expand, rich_keys, spend
from tests.support.factories import IssuedKey, give_credits

pytestmark = pytest.mark.usefixtures("database")

# What workers of the version before write, shortened to one call.
OLD_WRITE = """
WITH debited AS (
    UPDATE credit_balances SET balance = balance - 2 WHERE user_id = %(user)s RETURNING balance
), counted AS (
    UPDATE api_key_counters SET budget_spent = budget_spent + 2 WHERE api_key_id = %(key)s
), entry AS (
    INSERT INTO credit_transactions (user_id, occurred_at, type, amount, balance_after)
    SELECT %(user)s, now(), 'usage', -2, balance FROM debited RETURNING id
)
INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, tag, request_id, credit_transaction_id)
SELECT now(), %(user)s, %(key)s, 2, 1, '', 'old', id FROM entry
"""
OLD_DENIALS = """
INSERT INTO usage_denials AS denial (api_key_id, minute_at, code, count) VALUES (7, '2026-11-27 12:00Z', 'EXPIRED', 2)
ON CONFLICT (api_key_id, minute_at, code) DO UPDATE SET count = denial.count + EXCLUDED.count
"""


def run(statement: str, parameters: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def call_by_old_worker(key: IssuedKey) -> None:
    run(OLD_WRITE, {"user": key.row.user_id, "key": key.id})


def test_postings_and_old_workers_between_batches_keep_the_running_sum():
    keys = rich_keys(2)
    spend(keys, "1", "2")
    give_credits(keys[0].row.user, 5)
    call_by_old_worker(keys[0])
    spend(keys, "3")
    assert expand(1) == 1
    call_by_old_worker(keys[1])
    spend(keys, "0.25", "0")
    assert_consistent()
    while expand():
        pass
    assert_consistent()
    of_first = CreditTransaction.objects.filter(user_id=keys[0].row.user_id).order_by("id")
    assert [str(entry.amount.normalize()) for entry in of_first] == ["1E+6", "-3", "5", "-2", "-3", "-0.25"]


def test_going_back_expands_what_is_pending_and_going_forward_goes_on():
    keys = rich_keys(2)
    spend(keys, "1", "2", "0")
    before = books()
    try:
        call_command("migrate", "usage", "20261122_1843_add_credit_transaction", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*), sum(cost), max(id) FROM usage_events")
            assert tuple(cursor.fetchone()) == (6, 6, before.usage[-1]["id"])
        call_by_old_worker(keys[0])
    finally:
        call_command("migrate", verbosity=0)
    assert (books().ledger[: len(before.ledger)], books().usage[:6]) == before
    spend(keys, "1")
    expand()
    assert len({row["id"] for row in books().usage}) == 9
    assert_consistent()


def test_old_workers_go_on_counting_denials():
    for _ in range(2):
        run(OLD_DENIALS)
    assert [(row.api_key_id, row.code, row.detail, row.count) for row in UsageDenial.objects.all()] == [
        (7, "EXPIRED", "", 4)
    ]


def test_going_back_adds_up_denials_of_all_details():
    for detail in ("key", "secret", ""):
        UsageDenial.objects.create(api_key_id=7, minute_at="2026-11-27T12:00Z", code="EXPIRED", detail=detail, count=2)
    try:
        call_command("migrate", "usage", "20261127_2206_create_usage_batches", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT api_key_id, code, count FROM usage_denials")
            assert cursor.fetchall() == [(7, "EXPIRED", 6)]
    finally:
        call_command("migrate", verbosity=0)
    assert [(row.code, row.detail, row.count) for row in UsageDenial.objects.all()] == [("EXPIRED", "", 6)]
