"""What one member of staff posts to one customer within a day is added up, and compared with the approval limit."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import connection

from apps.credits.models import CreditApproval, CreditTransaction
from apps.credits.repositories.credit_repository import SQL
from tests.integration.credits.approvals import LIMIT, scene
from tests.support.accounts import customer
from tests.support.factories import make_key, make_user
from tests.support.orm import make, rows

POSTED, WAITS = 201, 202


@pytest.fixture(autouse=True)
def _limit(settings) -> None:
    settings.CREDIT_APPROVAL_ABOVE = Decimal(LIMIT)


def age_entries(hours: int) -> None:
    """Move the ledger into the past, which the database itself refuses."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE credit_transactions SET occurred_at = occurred_at - make_interval(hours => %s)", [hours])
        cursor.execute("SET session_replication_role = DEFAULT")


async def test_postings_that_together_pass_the_limit_wait(api: httpx.AsyncClient):
    here = await scene(api)
    amounts = ["60", "40", "0.000001", "1"]
    answers = [await here.ask(amount=amount, reference_id=None) for amount in amounts]
    assert [answer.status_code for answer in answers] == [POSTED, POSTED, WAITS, WAITS]
    assert await here.books() == ("100.000000", ["60.000000", "40.000000"])


async def test_amounts_up_and_down_are_added_up(api: httpx.AsyncClient):
    here = await scene(api)
    taken = {"type": "adjustment", "amount": "-60", "description": "a mistake", "reference_id": "case 8"}
    assert (await here.ask(amount="60")).status_code == POSTED
    assert (await here.ask(**taken)).status_code == WAITS


async def test_each_person_and_each_customer_counts_alone(api: httpx.AsyncClient):
    here, other = await scene(api), await customer()
    for by, to in ((here.asker, here.customer), (here.decider, here.customer), (here.asker, other)):
        answer = await here.ask(by=by, user_id=to.id, amount="90", reference_id=None)
        assert answer.status_code == POSTED
    assert (await here.ask(amount="90", reference_id=None)).status_code == WAITS


async def test_an_api_key_counts_for_its_owner(api: httpx.AsyncClient):
    here = await scene(api)
    key = await make(make_key, here.asker.user, scopes=["credits:adjust"])
    assert (await here.ask(by=key, amount="90")).status_code == POSTED
    assert (await here.ask(amount="90", reference_id="case 8")).status_code == WAITS


async def test_after_a_day_it_begins_again(api: httpx.AsyncClient):
    here = await scene(api)
    await here.ask(amount="90")
    await make(age_entries, 23)
    assert (await here.ask(amount="90", reference_id="case 8")).status_code == WAITS
    await make(age_entries, 2)
    assert (await here.ask(amount="90", reference_id="case 9")).status_code == POSTED


async def test_what_was_approved_and_what_waits_does_not_count(api: httpx.AsyncClient):
    here = await scene(api)
    pending = await here.asked()
    assert (await here.approve(pending["id"])).status_code == 200
    await here.asked(reference_id="case 8")
    # The approver is the actor of the entry that was approved.
    for person in (here.asker, here.decider):
        assert (await here.ask(by=person, amount="100", reference_id=None)).status_code == POSTED


async def test_a_retry_returns_what_was_posted(api: httpx.AsyncClient):
    here = await scene(api)
    answers = [await here.ask(amount="60") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [POSTED] * 3
    assert len(await rows(CreditTransaction.objects.all())) == 1
    assert await rows(CreditApproval.objects.all()) == []


USAGE = """
INSERT INTO credit_transactions (user_id, type, amount, balance_after, actor_kind)
SELECT %s, 'usage', -1, 0, '' FROM generate_series(1, 5000)
"""


@pytest.mark.usefixtures("database")
def test_the_sum_is_read_by_an_index():
    user = make_user()
    parameters: Any = {"user_id": user.pk, "actor_id": user.pk, "period": timedelta(days=1)}
    with connection.cursor() as cursor:
        cursor.execute(USAGE, [user.pk])
        cursor.execute("ANALYZE credit_transactions")
        cursor.execute(f"EXPLAIN {SQL['posted_lately']}", parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "credit_transactions_actor" in plan
