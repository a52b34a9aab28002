"""Concurrent postings, on event loops in threads of their own, as workers have them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest

from apps.core.authorization.principal import OPERATOR
from apps.core.database.pool import close_pools
from apps.core.errors import DomainError
from apps.credits.dependencies import credit_service
from apps.credits.models import CreditBalance, LedgerEntry
from apps.credits.schemas.credit_transaction import CreditPosting
from tests.support.captured_sql import captured
from tests.support.factories import make_user
from tests.support.orm import make

pytestmark = pytest.mark.usefixtures("database")

THREADS = 8


def post(user_id: int, **fields: Any) -> Any:
    """Return the entry, or the code of the refusal."""

    async def whole() -> Any:
        try:
            return await credit_service().post(OPERATOR, user_id, CreditPosting.model_validate(fields))
        except DomainError as error:
            return error.code
        finally:
            await close_pools()

    return asyncio.run(whole())


def at_once(act: Callable[[int], Any]) -> list[Any]:
    barrier = Barrier(THREADS)

    def wait_and_act(number: int) -> Any:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(wait_and_act, range(THREADS)))


def running_sums(user_id: int) -> list[tuple[Decimal, Decimal]]:
    """Return each entry's balance_after and what it should be."""
    total, found = Decimal(0), []
    for entry in LedgerEntry.objects.filter(user_id=user_id).order_by("id"):
        total += entry.amount
        found.append((entry.balance_after, total))
    return found


async def test_a_posting_locks_the_account_and_then_the_balance():
    user = await make(make_user)
    with captured() as sql:
        await credit_service().post(OPERATOR, user.pk, CreditPosting.model_validate({"amount": "5"}))
    assert sql.changes == ["lock users", "lock credit_balances", "update credit_balances", "insert credit_transactions"]


def test_concurrent_postings_of_a_reference_post_once():
    user = make_user()
    entries = at_once(lambda _: post(user.pk, amount="5", reference_id="invoice 7"))
    assert entries == [entries[0]] * THREADS
    assert LedgerEntry.objects.filter(user_id=user.pk).count() == 1
    assert CreditBalance.objects.get(pk=user.pk).balance == 5


def test_concurrent_movements_with_one_reference_post_one():
    user = make_user()
    answers = at_once(lambda number: post(user.pk, amount=str(1 + number % 2), reference_id="invoice 7"))
    entry = LedgerEntry.objects.get(user_id=user.pk)
    assert answers.count("REFERENCE_USED") == THREADS // 2
    assert {answer.id for answer in answers if answer != "REFERENCE_USED"} == {entry.pk}
    assert CreditBalance.objects.get(pk=user.pk).balance == entry.amount


def test_concurrent_adjustments_do_not_overdraw_a_balance():
    user = make_user()
    post(user.pk, amount="10")
    answers = at_once(lambda _: post(user.pk, amount="-4", type="adjustment", description="race"))
    codes = Counter(answer if isinstance(answer, str) else "posted" for answer in answers)
    assert codes == {"posted": 2, "INSUFFICIENT_CREDITS": THREADS - 2}
    assert CreditBalance.objects.get(pk=user.pk).balance == 2


def test_the_order_of_ids_is_the_order_of_balances():
    users = [make_user(), make_user()]

    def act(number: int) -> None:
        for step in range(5):
            for user in users if number % 2 else reversed(users):
                post(user.pk, amount=f"{number}.{step}1")

    at_once(act)
    for user in users:
        found = running_sums(user.pk)
        assert len(found) == THREADS * 5
        assert [kept for kept, _ in found] == [expected for _, expected in found]
        assert CreditBalance.objects.get(pk=user.pk).balance == found[-1][0]
