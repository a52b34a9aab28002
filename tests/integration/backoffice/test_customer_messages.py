"""Staff can send a customer a message about what they change; the customer reads it in a mail, and no reason."""

from typing import Any

import httpx
import pytest
from django.test import Client

from tests.integration.backoffice.pages import KEYS, USERS, form_errors
from tests.support.accounts import Account, colleague, customer
from tests.support.factories import make_key, make_plan, make_user
from tests.support.mailbox import QueuedMessage, letters_to
from tests.support.orm import make

pytestmark = pytest.mark.integration

WHY, TOLD = "A chargeback", "Please <call> us."
CHANGES: list[tuple[str, dict[str, Any], str]] = [
    ("deactivate", {}, "Your account was suspended."),
    ("activate", {}, "Your account was reactivated."),
    ("change_plan", {"plan": "gold"}, "Your account is now on the plan gold."),
]


@pytest.mark.parametrize(("operation", "fields", "subject"), CHANGES)
def test_customer_reads_the_message_in_a_mail(browser: Client, operation: str, fields: dict[str, str], subject: str):
    make_plan(name="gold")
    user = make_user(is_active=operation != "activate")
    browser.post(f"{USERS}{operation}/?id={user.pk}", {**fields, "reason": WHY, "message": TOLD})
    (letter,) = letters_to(user.email)
    assert (letter.kind, letter.subject) == ("account_changed", subject)
    assert TOLD in letter.text
    assert "Please &lt;call&gt; us." in letter.html
    assert WHY not in letter.text + letter.html


@pytest.mark.parametrize(("operation", "fields", "_subject"), CHANGES)
def test_without_a_message_no_mail_is_sent(browser: Client, operation: str, fields: dict[str, str], _subject: str):
    make_plan(name="gold")
    user = make_user(is_active=operation != "activate")
    assert browser.post(f"{USERS}{operation}/?id={user.pk}", {**fields, "reason": WHY}).status_code == 302
    assert letters_to(user.email) == []


def test_several_customers_each_get_the_message(browser: Client):
    users = [make_user(), make_user()]
    ids = "&".join(f"id={user.pk}" for user in users)
    browser.post(f"{USERS}deactivate/?{ids}", {"reason": WHY, "message": TOLD})
    assert [len(letters_to(user.email)) for user in users] == [1, 1]


def test_form_of_an_account_sends_a_message_about_a_new_plan_only(browser: Client):
    user, plan = make_user(), make_plan(name="gold")
    page = f"{USERS}{user.pk}/change/"
    sent = {"email": user.email, "username": user.username, "is_active": "on", "reason": WHY, "message": TOLD}
    refused = browser.post(page, {**sent, "plan": str(user.plan_id), "full_name": "Ann"})
    assert form_errors(refused)["message"] == ["Can be sent only together with a new plan, or with is_active."]
    assert browser.post(page, {**sent, "plan": str(plan.pk)}).status_code == 302
    assert [letter.subject for letter in letters_to(user.email)] == ["Your account is now on the plan gold."]


def test_owner_of_a_rotated_key_reads_the_message(browser: Client):
    user = make_user()
    rotation = {"grace_seconds": "0", "reason": WHY, "message": TOLD}
    browser.post(f"{KEYS}rotate/?id={make_key(user).id}", rotation)
    (letter,) = letters_to(user.email)
    assert (letter.kind, TOLD in letter.text, WHY in letter.text) == ("api_key_notice", True, False)


async def _letters(me: Account) -> list[QueuedMessage]:
    found: list[QueuedMessage] = await make(letters_to, me.user.email)
    return found


async def test_changes_through_the_api_take_a_message(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    await make(make_plan, name="gold")
    for change in ({"is_active": False}, {"is_active": False}, {"is_active": True}, {"plan": "gold"}):
        body = {**change, "reason": WHY, "message": TOLD}
        changed = await api.patch(f"/api/v1/users/{me.id}", json=body, headers=staff.headers)
        assert changed.status_code == 200, changed.text
    # The second request changes nothing.
    assert [letter.subject for letter in await _letters(me)] == [subject for _, _, subject in CHANGES]


async def test_message_without_such_a_change_is_refused(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    body = {"full_name": "Ann", "message": TOLD}
    refused = await api.patch(f"/api/v1/users/{me.id}", json=body, headers=staff.headers)
    assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (422, "message")


async def test_message_about_a_rotation_has_a_mail_of_its_own(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    key = await make(make_key, me.user)
    for number in range(7):
        body = {"message": f"{TOLD} {number}"}
        rotated = await api.post(f"/api/v1/api-keys/{key.id}/rotate", json=body, headers=staff.headers)
        assert rotated.status_code == 200, rotated.text
    texts = [letter.text for letter in await _letters(me)]
    assert [f"{TOLD} {number}" in text for number, text in enumerate(texts)] == [True] * 7


async def test_owners_cannot_send_texts_to_an_address_that_is_not_verified(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user)
    await api.post(f"/api/v1/api-keys/{key.id}/rotate", json={"message": TOLD}, headers=me.headers)
    await api.request("DELETE", f"/api/v1/users/{me.id}", json={"message": TOLD}, headers=me.headers)
    letters = await _letters(me)
    assert [letter.kind for letter in letters] == ["api_key_notice", "account_deleted"]
    assert TOLD not in "".join(letter.text for letter in letters)
