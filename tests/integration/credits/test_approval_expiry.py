"""Approvals expire after seven days, exactly, and the clean-up task stores it; erasure blanks their texts."""

import io
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.credits.models import CreditApproval
from apps.users.models import User
from tests.integration.credits.approvals import APPROVALS, LIMIT, let_expire, scene
from tests.support.accounts import audited
from tests.support.assertions import assert_error
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows
from tests.support.tables import every_row


@pytest.fixture(autouse=True)
def _limit(settings) -> None:
    settings.CREDIT_APPROVAL_ABOVE = Decimal(LIMIT)


def clean_up() -> dict[str, Any]:
    out = io.StringIO()
    call_command("clean_up", "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


async def test_expiry_is_exact_before_it_is_stored(api: httpx.AsyncClient):
    here = await scene(api)
    pending = await here.asked()
    await let_expire(pending["id"])
    assert (await here.read(pending["id"]))["state"] == "expired"
    for decide in (here.approve, here.refuse):
        assert_error(await decide(pending["id"]), 409, "APPROVAL_EXPIRED")
    assert await here.books() == ("0.000000", [])


async def test_an_expired_request_gives_up_its_reference(api: httpx.AsyncClient):
    here = await scene(api)
    first = await here.asked()
    await let_expire(first["id"])
    second = await here.asked(amount="200")
    assert second["id"] != first["id"]
    assert [action for action, *_ in await audited()][1:] == ["credit_approval.expired", "credit_approval.requested"]


async def test_lists_show_the_state_before_it_is_stored(api: httpx.AsyncClient):
    here = await scene(api)
    first, second = await here.asked(), await here.asked(reference_id="case 8")
    await let_expire(first["id"])
    for state, ids in (("pending", [second["id"]]), ("expired", [first["id"]]), ("approved", [])):
        for query in ({"state": state}, {"state": state, "cursor": ""}):
            listed = (await api.get(APPROVALS, params=query, headers=here.decider.headers)).json()["items"]
            assert [(item["id"], item["state"]) for item in listed] == [(each, state) for each in ids]


async def test_the_clean_up_task_stores_that_approvals_have_expired(api: httpx.AsyncClient):
    here = await scene(api)
    due, waiting = await here.asked(), await here.asked(reference_id="case 8")
    decided = await here.asked(reference_id="case 9")
    await here.refuse(decided["id"])
    for approval in (due, decided):
        await let_expire(approval["id"])
    before = await here.read(due["id"])
    assert (await make(clean_up))["credit_approvals"] == 1
    stored = await here.read(due["id"])
    assert stored == {**before, "decided_at": before["expires_at"]}
    states = {row.pk: row.state for row in await rows(CreditApproval.objects.all())}
    assert states == {due["id"]: "expired", waiting["id"]: "pending", decided["id"]: "refused"}
    (event,) = await rows(AuditEvent.objects.filter(action="credit_approval.expired"))
    assert (event.target_id, event.subject_id, event.actor_kind) == (due["id"], here.customer.id, "operator")
    assert (await make(clean_up))["credit_approvals"] == 0
    letter = (await make(letters_to, here.asker.user.email))[-1]
    assert letter.subject == f"500.00 credits for {here.customer.user.email}: expired"


async def test_erasure_blanks_the_texts_of_approvals(api: httpx.AsyncClient):
    here = await scene(api)
    texts = {"description": "Sorry, Ann Example", "reason": "Ann was furious"}
    await here.asked(reference_id="a", **texts)
    refused = await here.asked(reference_id="b", **texts)
    await here.refuse(refused["id"], reason="Ann lies")
    month = timezone.now() - timedelta(days=31)
    await make(User.objects.filter(pk=here.customer.id).update, deleted_at=month)
    await make(clean_up)
    stored = await rows(CreditApproval.objects.all())
    assert {(row.description, row.reason, row.decision_reason) for row in stored} == {("", "", "")}
    everything = await make(every_row)
    assert "Ann" not in everything
