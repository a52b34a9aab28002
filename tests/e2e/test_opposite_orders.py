"""Batches that touch the same customers in opposite orders never wait for each other in a ring."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psycopg
import pytest

from tests.support.asker import Asker, Reply
from tests.support.fleet import SIZE, Fleet
from tests.support.ledger import audit, books_of
from tests.support.load import load
from tests.support.staff import Customer

pytestmark = pytest.mark.e2e

CUSTOMERS = 50
CREDITS = 1_000_000
ASKERS = 2 * SIZE
MAKERS = 4
SECONDS = 4.0
STATISTICS_SECONDS = 1.5  # PostgreSQL's processes report what they counted after a second at the latest
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def test_batches_in_opposite_orders(fleet: Fleet):
    with ThreadPoolExecutor(MAKERS) as threads:
        customers = list(threads.map(lambda _: fleet.staff.make_customer(balance=CREDITS), range(CUSTOMERS)))
    questions = [{"key": customer.secret, "cost": "1"} for customer in customers]
    orders = (questions, questions[::-1])

    def ask(asker: Asker, number: int, _count: int) -> Reply:
        return asker.verify_batch(orders[number // SIZE])  # every server gets both orders

    before = _deadlocks(fleet)
    with load(ASKERS, fleet.asker, ask) as running:
        top_ups = _change_backwards(fleet, customers)
        running.wait_for_answers()

    assert {reply.status for reply in running.replies} == {200}
    assert Counter(_codes(running.replies)) == {"VALID": CUSTOMERS * len(running.replies)}
    time.sleep(STATISTICS_SECONDS)
    assert _deadlocks(fleet) == before
    spent = Decimal(len(running.replies))
    assert {books_of(fleet.database_url, customer.id).debits for customer in customers} == {spent}
    assert {books_of(fleet.database_url, customer.id).balance for customer in customers} == {CREDITS + top_ups - spent}
    assert audit(fleet.database_url).returncode == 0


def _change_backwards(fleet: Fleet, customers: list[Customer]) -> int:
    """Give every customer a credit over and over, from the last to the first, and return how many each has got.

    Their keys get another budget each time, and their plans another rate limit: these transactions lock the keys and
    plans first, and the balance and the counters last.
    """
    until, rounds = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        for customer in reversed(customers):
            fleet.staff.top_up(customer.id, 1)
            fleet.staff.call("PATCH", f"/api-keys/{customer.key_id}", budget=str(CREDITS + rounds))
            fleet.staff.limit(customer, CREDITS + rounds)
        rounds += 1
    return rounds


def _codes(replies: list[Reply]) -> list[str]:
    return [item["code"] for reply in replies for item in reply.content["items"]]


def _deadlocks(fleet: Fleet) -> int:
    with psycopg.connect(fleet.database_url) as connection:
        row = connection.execute(DEADLOCKS).fetchone()
    assert row is not None
    return int(row[0])
