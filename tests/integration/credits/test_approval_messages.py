"""Messages about approvals: to those who may approve, and to the person who asked."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from apps.credits.services.in_transaction import approval_messages
from apps.mail.models import OutgoingMail
from apps.users.models import User
from tests.integration.credits.approvals import LIMIT, scene
from tests.support.accounts import colleague, superuser
from tests.support.mailbox import age_messages, letters_to
from tests.support.orm import make, rows


@pytest.fixture(autouse=True)
def _limit(settings) -> None:
    settings.CREDIT_APPROVAL_ABOVE = Decimal(LIMIT)


async def letters(account: Any) -> list[Any]:
    found: list[Any] = await make(letters_to, account.user.email)
    return found


async def test_those_who_may_approve_are_notified(api: httpx.AsyncClient):
    here, root = await scene(api), await superuser()
    seller, reader = await colleague("credits:grant"), await colleague("credits:read")
    suspended = await colleague("credits:adjust", is_active=False)
    pending = await here.asked(description="sorry")
    for approver in (here.decider, root):
        (letter,) = await letters(approver)
        assert letter.subject == f"Approve 500.00 credits for {here.customer.user.email}?"
        for text in (letter.text, letter.html):
            for word in (here.asker.user.email, "500.00 (Goodwill)", "sorry", "outage"):
                assert word in text
            assert f"/admin/credits/creditapproval/{pending['id']}/change/" in text
    for other in (here.asker, here.customer, seller, reader, suspended):
        assert await letters(other) == []


async def test_a_customer_of_staff_is_not_notified_of_credits_for_themselves(api: httpx.AsyncClient):
    here, root = await scene(api), await superuser()
    await here.asked(by=root, user_id=here.decider.id)
    assert await letters(here.decider) == []
    assert len(await letters(here.asker)) == 1


async def test_a_posting_notifies_a_bounded_number_of_people(api: httpx.AsyncClient, monkeypatch):
    monkeypatch.setattr(approval_messages, "APPROVERS_MAXIMUM", 2)
    here, root = await scene(api), await superuser()
    await colleague("credits:adjust")
    await here.asked()
    assert len(await rows(OutgoingMail.objects.all())) == 2
    assert await letters(root) == []  # superusers come last


async def test_an_approver_gets_five_messages_an_hour_and_one_about_the_rest(api: httpx.AsyncClient):
    here = await scene(api)
    for number in range(8):
        await here.asked(reference_id=f"case {number}")
    found = await letters(here.decider)
    assert [letter.subject for letter in found[:5]] == [f"Approve 500.00 credits for {here.customer.user.email}?"] * 5
    assert {letter.subject for letter in found[5:]} == {"More credits wait for approval"}
    assert "/admin/credits/creditapproval/?state=pending" in found[5].text
    (last,) = await rows(OutgoingMail.objects.order_by("-id")[:1])
    next_hour = last.created_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    assert abs(last.due_at - next_hour - timedelta(minutes=1)) < timedelta(seconds=2)
    await make(age_messages, 3600)
    await here.asked(reference_id="case 9")
    assert (await letters(here.decider))[-1].subject.startswith("Approve 500.00")


@pytest.mark.parametrize(
    ("decision", "words"), [("approve", "approved the credits"), ("refuse", "refused the credits")]
)
async def test_the_person_who_asked_is_told_the_outcome(api: httpx.AsyncClient, decision: str, words: str):
    here = await scene(api)
    pending = await here.asked()
    for _ in range(2):
        await getattr(here, decision)(pending["id"], reason="because of this")
    (letter,) = await letters(here.asker)
    assert letter.subject.startswith(f"500.00 credits for {here.customer.user.email}: {decision}")
    for text in (letter.text, letter.html):
        for word in (here.decider.user.email, words, "because of this", f"creditapproval/{pending['id']}/change/"):
            assert word in text
    assert await letters(here.customer) == []


async def test_a_person_who_has_lost_the_right_is_told_nothing(api: httpx.AsyncClient):
    here = await scene(api)
    pending = await here.asked()
    await make(User.objects.filter(pk=here.asker.id).update, is_active=False)
    await here.refuse(pending["id"])
    assert await letters(here.asker) == []
