"""`/api/v1/credits/approvals`: postings above CREDIT_APPROVAL_ABOVE wait for a second person."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import IntegrityError
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.core.authorization.principal import OPERATOR
from apps.credits.dependencies import credit_service
from apps.credits.models import CreditApproval, CreditTransaction
from apps.credits.schemas.credit_transaction import CreditPosting
from apps.users.models import User
from tests.integration.credits.approvals import APPROVALS, LIMIT, scene
from tests.support.accounts import audited, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import give_credits, make_key
from tests.support.orm import make, rows


@pytest.fixture(autouse=True)
def _limit(settings) -> None:
    settings.CREDIT_APPROVAL_ABOVE = Decimal(LIMIT)


async def test_a_large_posting_waits_for_approval(api: httpx.AsyncClient):
    here = await scene(api)
    response = await here.ask(description=" sorry ")
    pending = response.json()
    assert response.status_code == 202
    asked, end = (datetime.fromisoformat(pending.pop(name)) for name in ("requested_at", "expires_at"))
    assert end - asked == timedelta(days=7)
    assert pending == {
        "id": pending["id"],
        "state": "pending",
        "user_id": here.customer.id,
        "type": "goodwill",
        "amount": "500.000000",
        "description": "sorry",
        "reference_id": "case 7",
        "reason": "outage",
        "requested_by_id": here.asker.id,
        "decided_by_id": None,
        "decided_at": None,
        "decision_reason": "",
        "transaction_id": None,
    }
    assert await here.books() == ("0.000000", [])


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"amount": "100"}, 201),
        ({"amount": "100.000001"}, 202),
        ({"amount": "-100", "type": "adjustment", "description": "x"}, 201),
        ({"amount": "-100.000001", "type": "adjustment", "description": "x"}, 202),
        ({"amount": "500", "type": "top_up"}, 202),
        ({"amount": "500", "type": "refund"}, 202),
    ],
)
async def test_the_limit_is_of_the_absolute_amount(api: httpx.AsyncClient, fields: dict[str, Any], status: int):
    here = await scene(api)
    await make(give_credits, here.customer.user, 1000)
    assert (await here.ask(**fields)).status_code == status


async def test_without_the_setting_nothing_waits(api: httpx.AsyncClient, settings):
    settings.CREDIT_APPROVAL_ABOVE = None
    assert (await (await scene(api)).ask(amount="99999999999999")).status_code == 201


async def test_an_approved_posting_is_posted_as_every_other(api: httpx.AsyncClient):
    here = await scene(api)
    pending = await here.asked(description="sorry")
    response = await here.approve(pending["id"], reason="agreed")
    approved = response.json()
    assert response.status_code == 200
    assert (approved["state"], approved["decided_by_id"], approved["decision_reason"]) == (
        "approved",
        here.decider.id,
        "agreed",
    )
    (entry,) = await rows(CreditTransaction.objects.all())
    assert approved["transaction_id"] == entry.pk
    assert (entry.type, str(entry.amount), entry.description, entry.reference_id) == (
        "goodwill",
        "500.000000",
        "sorry",
        "case 7",
    )
    assert (entry.actor_id, await here.books()) == (here.decider.id, ("500.000000", ["500.000000"]))
    assert await here.read(pending["id"]) == approved


async def test_a_refused_posting_is_not_posted(api: httpx.AsyncClient):
    here = await scene(api)
    pending = await here.asked()
    refused = (await here.refuse(pending["id"], reason=" too much ")).json()
    assert (refused["state"], refused["decided_by_id"], refused["decision_reason"]) == (
        "refused",
        here.decider.id,
        "too much",
    )
    assert await here.books() == ("0.000000", [])


@pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": None}, {"reason": "x" * 501}])
async def test_a_refusal_needs_a_reason(api: httpx.AsyncClient, body: dict[str, Any]):
    here = await scene(api)
    pending = await here.asked()
    url = f"{APPROVALS}/{pending['id']}/refuse"
    assert_error(await api.post(url, json=body, headers=here.decider.headers), 422, "VALIDATION_FAILED", field="reason")
    assert (await here.read(pending["id"]))["state"] == "pending"


async def test_every_step_is_audited_as_an_action_of_its_own(api: httpx.AsyncClient):
    here = await scene(api)
    first = await here.asked()
    await here.approve(first["id"], reason="agreed")
    second = await here.asked(reference_id="case 8")
    await here.refuse(second["id"], reason="enough")
    assert await audited() == [
        ("credit_approval.requested", first["id"], here.asker.id),
        ("credits.posted", here.customer.id, here.decider.id),
        ("credit_approval.approved", first["id"], here.decider.id),
        ("credit_approval.requested", second["id"], here.asker.id),
        ("credit_approval.refused", second["id"], here.decider.id),
    ]
    events = await rows(AuditEvent.objects.order_by("id"))
    assert [event.reason for event in events] == ["outage", "outage", "agreed", "outage", "enough"]
    assert {event.subject_id for event in events} == {here.customer.id}
    assert events[1].after["approval_id"] == first["id"]
    assert events[1].after["requested_by_id"] == here.asker.id


async def test_nobody_decides_about_an_own_request(api: httpx.AsyncClient):
    here, root = await scene(api), await superuser()
    for asker in (here.asker, root):
        pending = await here.asked(by=asker, reference_id=f"case {asker.id}")
        for decide in (here.approve, here.refuse):
            assert_error(await decide(pending["id"], by=asker), 403, "FORBIDDEN")
        assert (await here.read(pending["id"]))["state"] == "pending"
    assert await here.books() == ("0.000000", [])


async def test_nobody_decides_about_credits_for_themselves(api: httpx.AsyncClient):
    here, root = await scene(api), await superuser()
    for account in (here.decider, await superuser()):
        pending = await here.asked(by=root, user_id=account.id)
        for decide in (here.approve, here.refuse):
            assert_error(await decide(pending["id"], by=account), 403, "FORBIDDEN")
        assert (await here.approve(pending["id"], by=await superuser())).status_code == 200


async def test_deciding_takes_a_session_with_the_scope_of_the_posting(api: httpx.AsyncClient):
    here = await scene(api)
    pending = await here.asked()
    key = await make(make_key, here.decider.user, scopes=["credits:read", "credits:adjust"])
    others = [
        (await customer(), "FORBIDDEN"),
        (key, "FORBIDDEN"),
        (await colleague("credits:adjust"), "INSUFFICIENT_SCOPES"),
        (await colleague("credits:read", "credits:grant"), "INSUFFICIENT_SCOPES"),
    ]
    for caller, code in others:
        for decide in (here.approve, here.refuse):
            assert_error(await decide(pending["id"], by=caller), 403, code)
    assert_error(await here.approve(10**9), 404, "NOT_FOUND")
    entitled = await colleague("credits:read", "credits:adjust")
    assert (await here.approve(pending["id"], by=entitled)).status_code == 200


async def test_a_decision_is_final_and_may_be_retried(api: httpx.AsyncClient):
    here, third = await scene(api), await colleague()
    approved, refused = await here.asked(), await here.asked(reference_id="case 8")
    first = (await here.approve(approved["id"])).json()
    assert (await here.approve(approved["id"], reason="again")).json() == first
    await here.refuse(refused["id"])
    assert (await here.refuse(refused["id"], reason="again")).json()["decision_reason"] == "no"
    for approval_id in (approved["id"], refused["id"]):
        for decide in (here.approve, here.refuse):
            assert_error(await decide(approval_id, by=third), 409, "APPROVAL_DECIDED")
    assert_error(await here.refuse(approved["id"]), 409, "APPROVAL_DECIDED")
    assert await here.books() == ("500.000000", ["500.000000"])


async def test_the_same_request_again_returns_the_approval_and_then_the_entry(api: httpx.AsyncClient):
    here, third = await scene(api), await colleague()
    first = await here.ask()
    again = await here.ask(by=third, description="again")
    assert (again.status_code, again.json()) == (202, first.json())
    approved = (await here.approve(first.json()["id"])).json()
    posted = await here.ask()
    assert (posted.status_code, posted.json()["id"]) == (201, approved["transaction_id"])
    assert len(await rows(CreditApproval.objects.all())) == 1


@pytest.mark.parametrize("other", [{"amount": "501"}, {"type": "refund"}, {"amount": "5"}])
async def test_a_reference_that_waits_belongs_to_one_posting(api: httpx.AsyncClient, other: dict[str, Any]):
    here = await scene(api)
    await here.asked()
    assert_error(await here.ask(**other), 409, "REFERENCE_USED", field="reference_id")
    assert await here.books() == ("0.000000", [])


async def test_without_a_reference_each_request_waits_by_itself(api: httpx.AsyncClient):
    here = await scene(api)
    ids = {(await here.asked(reference_id=None))["id"] for _ in range(2)}
    for approval_id in ids:
        assert (await here.approve(approval_id)).status_code == 200
    assert await here.books() == ("1000.000000", ["500.000000"] * 2)


async def test_a_refusal_gives_up_the_reference(api: httpx.AsyncClient):
    here = await scene(api)
    first = await here.asked()
    await here.refuse(first["id"])
    second = await here.asked(amount="200")
    assert second["id"] != first["id"]
    assert (await here.approve(second["id"])).status_code == 200


async def test_what_could_not_be_posted_does_not_wait(api: httpx.AsyncClient):
    here = await scene(api)
    taken = {"amount": "-500", "type": "adjustment", "description": "x"}
    assert_error(await here.ask(**taken), 402, "INSUFFICIENT_CREDITS", field="amount")
    assert_error(await here.ask(by=here.asker, user_id=here.asker.id), 403, "FORBIDDEN")
    assert await rows(CreditApproval.objects.all()) == []


async def test_the_balance_is_checked_again_when_it_is_approved(api: httpx.AsyncClient):
    here = await scene(api)
    await make(give_credits, here.customer.user, 1000)
    pending = await here.asked(amount="-900", type="adjustment", description="x")
    for person in (here.asker, here.decider):
        taken = {"amount": "-99", "type": "adjustment", "description": "x", "reference_id": f"case {person.id}"}
        assert (await here.ask(by=person, **taken)).status_code == 201
    assert_error(await here.approve(pending["id"]), 402, "INSUFFICIENT_CREDITS", field="amount")
    assert (await here.read(pending["id"]))["state"] == "pending"


async def test_a_changed_setting_concerns_later_postings(api: httpx.AsyncClient, settings):
    here = await scene(api)
    pending = await here.asked()
    settings.CREDIT_APPROVAL_ABOVE = None
    assert (await here.ask()).json() == pending
    assert (await here.ask(reference_id="case 8")).status_code == 201
    assert (await here.approve(pending["id"])).status_code == 200


async def test_the_operator_needs_no_approval(api: httpx.AsyncClient):
    here = await scene(api)
    posting = CreditPosting.model_validate({"amount": "500"})
    posted = await credit_service().post(OPERATOR, here.customer.id, posting)
    assert await here.books() == ("500.000000", ["500.000000"])
    assert posted.amount == 500


@pytest.mark.parametrize("lost", [{"is_active": False}, {"is_staff": False}, {"deleted_at": timezone.now()}, "role"])
async def test_a_request_of_a_person_who_has_lost_the_right_is_only_refused(api: httpx.AsyncClient, lost: Any):
    here = await scene(api)
    pending = await here.asked()
    found = User.objects.filter(pk=here.asker.id)
    await make(here.asker.user.groups.clear) if lost == "role" else await make(found.update, **lost)
    assert_error(await here.approve(pending["id"]), 409, "APPROVAL_IMPOSSIBLE")
    assert await here.books() == ("0.000000", [])
    assert (await here.refuse(pending["id"])).json()["state"] == "refused"


async def test_credits_of_a_deleted_customer_are_only_refused(api: httpx.AsyncClient):
    here = await scene(api)
    pending = await here.asked()
    await make(User.objects.filter(pk=here.customer.id).update, deleted_at=timezone.now())
    assert_error(await here.approve(pending["id"]), 409, "APPROVAL_IMPOSSIBLE")
    assert (await here.refuse(pending["id"])).json()["state"] == "refused"


async def test_credits_of_a_suspended_customer_are_approved(api: httpx.AsyncClient):
    here = await scene(api)
    pending = await here.asked()
    await make(User.objects.filter(pk=here.customer.id).update, is_active=False)
    assert (await here.approve(pending["id"])).json()["state"] == "approved"


@pytest.mark.parametrize("decided_by", ["requested_by_id", "user_id"])
async def test_the_database_refuses_one_person_in_two_parts(api: httpx.AsyncClient, decided_by: str):
    here = await scene(api)
    pending = await here.asked()
    found = CreditApproval.objects.filter(pk=pending["id"])
    with pytest.raises(IntegrityError, match="second_person"):
        await make(found.update, state="refused", decided_by_id=pending[decided_by])
    with pytest.raises(IntegrityError, match="not_own"):
        await make(found.update, requested_by_id=here.customer.id)
