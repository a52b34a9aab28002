"""The person who has asked for the approval of credits can withdraw the request, once."""

from decimal import Decimal

import httpx
import pytest

from apps.audit.models import AuditEvent
from apps.users.models import RoleScope
from tests.integration.credits.approvals import APPROVALS, LIMIT, Scene, let_expire, scene
from tests.support.accounts import Account, audited, superuser
from tests.support.assertions import assert_error
from tests.support.factories import make_key
from tests.support.orm import make, rows


@pytest.fixture(autouse=True)
def _limit(settings) -> None:
    settings.CREDIT_APPROVAL_ABOVE = Decimal(LIMIT)


async def withdraw(here: Scene, approval_id: int, by: Account | None = None, reason: str = "") -> httpx.Response:
    headers = (by or here.asker).headers
    return await here.api.post(f"{APPROVALS}/{approval_id}/withdraw", json={"reason": reason}, headers=headers)


async def test_a_withdrawn_posting_is_not_posted_and_recorded_once(api: httpx.AsyncClient):
    here = await scene(api)
    pending = await here.asked()
    answers = [await withdraw(here, pending["id"], reason="twice") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    withdrawn = answers[0].json()
    assert answers[1].json() == withdrawn == await here.read(pending["id"])
    shown = (withdrawn["state"], withdrawn["decided_by_id"], withdrawn["decision_reason"], withdrawn["transaction_id"])
    assert shown == ("withdrawn", None, "twice", None)
    assert withdrawn["decided_at"] is not None
    assert await here.books() == ("0.000000", [])
    assert await audited() == [
        ("credit_approval.requested", pending["id"], here.asker.id),
        ("credit_approval.withdrawn", pending["id"], here.asker.id),
    ]
    (*_, event) = await rows(AuditEvent.objects.order_by("id"))
    assert (event.reason, event.subject_id) == ("twice", here.customer.id)


async def test_a_body_is_not_needed_and_a_key_is_enough(api: httpx.AsyncClient):
    here = await scene(api)
    pending = await here.asked()
    key = await make(make_key, here.asker.user, scopes=["credits:read"])
    answer = await api.post(f"{APPROVALS}/{pending['id']}/withdraw", headers=key.headers)
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")


async def test_nobody_else_withdraws_a_request(api: httpx.AsyncClient):
    here = await scene(api)
    pending = await here.asked()
    for person in (here.decider, here.customer, await superuser()):
        assert_error(await withdraw(here, pending["id"], by=person), 403, "FORBIDDEN")
    assert (await here.read(pending["id"]))["state"] == "pending"
    assert (await withdraw(here, 2**40)).status_code == 404


async def test_what_is_decided_or_withdrawn_stays_so(api: httpx.AsyncClient):
    here = await scene(api)
    approved, refused, withdrawn, expired = [
        (await here.asked(reference_id=f"case {number}"))["id"] for number in range(4)
    ]
    await here.approve(approved)
    await here.refuse(refused)
    await withdraw(here, withdrawn)
    await let_expire(expired)
    for approval_id, code in ((approved, "DECIDED"), (refused, "DECIDED"), (expired, "EXPIRED")):
        assert_error(await withdraw(here, approval_id), 409, f"APPROVAL_{code}")
    for decide in (here.approve, here.refuse):
        assert_error(await decide(withdrawn), 409, "APPROVAL_DECIDED")
    states = [(await here.read(each))["state"] for each in (approved, refused, withdrawn, expired)]
    assert states == ["approved", "refused", "withdrawn", "expired"]


async def test_a_withdrawn_request_gives_up_its_reference(api: httpx.AsyncClient):
    here = await scene(api)
    first = await here.asked()
    await withdraw(here, first["id"])
    again = await here.asked(amount="300")
    assert (again["id"] != first["id"], again["state"], again["reference_id"]) == (True, "pending", "case 7")
    listed = await api.get(APPROVALS, params={"state": "withdrawn"}, headers=here.decider.headers)
    assert [each["id"] for each in listed.json()["items"]] == [first["id"]]


async def test_who_has_lost_the_right_to_post_can_still_withdraw(api: httpx.AsyncClient):
    here = await scene(api)
    pending = await here.asked()
    found = RoleScope.objects.filter(role__user=here.asker.user).exclude(scope="credits:read")
    await make(found.delete)
    assert_error(await here.ask(reference_id="case 8"), 403, "INSUFFICIENT_SCOPES")
    assert (await withdraw(here, pending["id"])).json()["state"] == "withdrawn"
