"""Many threads and several processes: what is allowed is exactly what was paid for, and what the limit says."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from uuid import uuid4

import pytest

from tests.support.asker import Asker, Reply
from tests.support.fleet import Fleet
from tests.support.ledger import Books, audit, books_of
from tests.support.soak import repetitions

pytestmark = pytest.mark.e2e

THREADS = 64
TIMES = repetitions(usual=5, soaking=100)


def _ask_at_once(fleet: Fleet, ask: Callable[[Asker], Reply], times: int = TIMES) -> list[Reply]:
    """Let every thread ask so many times on a connection of its own, all beginning together."""
    barrier = Barrier(THREADS)

    def run(number: int) -> list[Reply]:
        with fleet.asker(number) as asker:
            barrier.wait(30)
            return [ask(asker) for _ in range(times)]

    with ThreadPoolExecutor(THREADS) as threads:
        replies = [reply for replies in threads.map(run, range(THREADS)) for reply in replies]
    assert {reply.status for reply in replies} == {200}, [reply for reply in replies if reply.status != 200]
    return replies


def test_a_balance_buys_exactly_what_it_pays_for(fleet: Fleet):
    customer = fleet.staff.make_customer(balance=1000)

    replies = _ask_at_once(fleet, lambda asker: asker.verify(customer.secret, cost="7"))

    assert Counter(reply.code for reply in replies) == {"VALID": 142, "INSUFFICIENT_CREDITS": THREADS * TIMES - 142}
    spent = Decimal(142 * 7)
    assert books_of(fleet.database_url, customer.id) == Books(1000 - spent, 1000 - spent, spent, spent, 142)
    left = sorted((Decimal(reply.content["balance"]) for reply in replies if reply.code == "VALID"), reverse=True)
    assert left == [Decimal(1000 - 7 * number) for number in range(1, 143)]
    assert audit(fleet.database_url).returncode == 0


def test_a_limit_allows_exactly_what_it_says(fleet: Fleet):
    customer = fleet.staff.make_customer(calls=60)

    replies = _ask_at_once(fleet, lambda asker: asker.verify(customer.secret))

    assert Counter(reply.code for reply in replies) == {"VALID": 60, "RATE_LIMITED": THREADS * TIMES - 60}
    remaining = [reply.content["rate_limits"][0]["remaining"] for reply in replies if reply.code == "VALID"]
    assert sorted(remaining) == list(range(60))
    assert books_of(fleet.database_url, customer.id).calls == 60


def test_a_request_sent_by_everybody_is_charged_once(fleet: Fleet):
    customer, request_id = fleet.staff.make_customer(balance=1000), uuid4().hex

    replies = _ask_at_once(fleet, lambda asker: asker.verify(customer.secret, cost="7", request_id=request_id), times=2)

    assert (replies[0].code, replies[0].content["request_id"]) == ("VALID", request_id)
    assert [reply.content for reply in replies] == [replies[0].content] * (2 * THREADS)
    assert books_of(fleet.database_url, customer.id) == Books(Decimal(993), Decimal(993), Decimal(7), Decimal(7), 1)
