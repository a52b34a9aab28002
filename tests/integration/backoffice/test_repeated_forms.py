"""A form that is sent again is done once, and a secret is shown once, to the browser that has caused it."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import Client

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.audit.models import AuditEvent
from apps.core.errors import Unavailable
from apps.credits.models import CreditTransaction
from apps.idempotency.models import IdempotentResponse
from apps.idempotency.services.one_time_forms import OneTimeForms
from apps.mail.models import OutgoingMail
from apps.plans.models import Plan
from apps.second_factors.models import RecoveryCode
from apps.users.models import User
from tests.integration.backoffice.own_factors import CODE, KEY, TOTP, add_app, signed_in
from tests.integration.backoffice.pages import KEYS, USERS, text_of
from tests.support.factories import make_key, make_staff, make_user
from tests.support.staff_browser import HOST, browser_of
from tests.support.staff_client import FACTORS, follow, submit

pytestmark = pytest.mark.integration

ADD = f"{KEYS}add/"
SHOWN_ALREADY = "was shown already"


@pytest.fixture
def root(database) -> User:
    return make_staff(email="ann@example.com", username="ann")


@pytest.fixture
def real(root: User) -> Client:
    """A browser whose forms carry a CSRF token, as in reality."""
    return browser_of(root, enforce_csrf_checks=True)


def filled(browser: Client, page: str, **fields: object) -> dict[str, object]:
    """Open the page of a form and return its fields as the browser sends them."""
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text_of(browser.get(page)))
    assert found
    return {"csrfmiddlewaretoken": found[1], **fields}


def opened_at(browser: Client, page: str) -> str:
    found = re.search(r'name="opened_at" value="([0-9.]+)"', text_of(browser.get(page)))
    assert found
    return found[1]


def copy_cookies(source: Client, target: Client, prefix: str = "") -> Client:
    for name, cookie in source.cookies.items():
        if name.startswith(prefix):
            target.cookies[name] = cookie.value
    return target


def new_key(browser: Client, user: User, name: str = "ours") -> dict[str, object]:
    return filled(browser, ADD, user=user.pk, name=name, environment="live", reason="A test")


def test_form_that_is_sent_twice_creates_one_key(real):
    form = new_key(real, make_user())
    first, second = real.post(ADD, form), real.post(ADD, form)
    assert (first.status_code, first["location"]) == (302, second["location"])
    assert ApiKey.objects.count() == 1
    assert real.get(second["location"]).context["key"].name == "ours"


def test_two_clicks_at_the_same_moment_create_one_key(real):
    user, start = make_user(), Barrier(2)
    form = new_key(real, user)

    def click(_: int) -> Any:
        browser = copy_cookies(real, Client(SERVER_NAME=HOST))
        start.wait()
        try:
            return browser.post(ADD, form)["location"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as clicks:
        first, second = clicks.map(click, range(2))
    assert first == second
    assert ApiKey.objects.count() == 1


def test_form_that_was_edited_after_going_back_is_another(real):
    form = new_key(real, make_user())
    real.post(ADD, form)
    real.post(ADD, {**form, "name": "another"})
    assert sorted(ApiKey.objects.values_list("name", flat=True)) == ["another", "ours"]


def test_refused_form_can_be_sent_again(real):
    plan = Plan.objects.create(name="none yet", api_keys_maximum=0)
    form = new_key(real, make_user(plan=plan))
    assert real.post(ADD, form).status_code == 200
    Plan.objects.filter(pk=plan.pk).update(api_keys_maximum=1)
    assert real.post(ADD, form).status_code == 302
    assert ApiKey.objects.count() == 1


def test_message_is_sent_once(real):
    page = f"{USERS}send-password-reset/?id={make_user().pk}"
    form = filled(real, page, reason="The customer asked for it")
    assert [real.post(page, form).status_code for _ in range(2)] == [302, 302]
    assert OutgoingMail.objects.count() == 1


def test_rotation_that_is_sent_twice_makes_one_secret(real):
    page = f"{KEYS}rotate/?id={make_key().id}"
    form = filled(real, page, grace_seconds="0", reason="A leak")
    assert real.post(page, form)["location"] == real.post(page, form)["location"]
    assert ApiKeySecret.objects.count() == 2


def test_secret_is_shown_once(real):
    address = real.post(ADD, new_key(real, make_user()))["location"]
    shown = real.get(address)
    assert (shown.context["key"].api_key in text_of(shown), "no-store" in shown["cache-control"]) == (True, True)
    again = real.get(address)
    assert (again.status_code, again.context["key"], SHOWN_ALREADY in text_of(again)) == (200, None, True)


def test_form_that_is_sent_again_after_its_secret_was_shown_does_not_show_it_again(real):
    form = new_key(real, make_user())
    real.get(real.post(ADD, form)["location"])
    assert SHOWN_ALREADY in text_of(real.get(real.post(ADD, form)["location"]))
    assert ApiKey.objects.count() == 1


def test_another_browser_of_the_same_person_cannot_read_the_secret(real, root):
    address = real.post(ADD, new_key(real, make_user()))["location"]
    other = browser_of(root)
    assert other.get(address).context["key"] is None
    copy_cookies(real, other, "staff_shown_")
    assert other.get(address).context["key"] is None
    assert real.get(address).context["key"]


def test_secret_is_nowhere_in_clear_and_deleted_once_it_was_shown(real):
    address = real.post(ADD, new_key(real, make_user()))["location"]
    before = [bytes(each.response_encrypted) for each in IdempotentResponse.objects.all()]
    sessions = [str(session.get_decoded()) for session in Session.objects.all()]
    secret = real.get(address).context["key"].api_key
    assert not any(secret.encode() in stored for stored in before)
    assert not any(secret in stored for stored in sessions)
    assert secret not in address
    assert [bytes(each.response_encrypted) for each in IdempotentResponse.objects.all()].count(b"") == 1


def test_a_crash_after_the_change_loses_no_secret(real, monkeypatch):
    form = new_key(real, make_user())
    with monkeypatch.context() as patch:
        patch.setattr(OneTimeForms, "remember", _crash)
        assert real.post(ADD, form).status_code == 503
    assert ApiKey.objects.count() == 1
    assert real.get(real.post(ADD, form)["location"]).context["key"].api_key
    assert ApiKey.objects.count() == 1


async def _crash(*_: object) -> None:
    raise Unavailable


async def test_recovery_codes_are_shown_once_and_renewed_once(api: httpx.AsyncClient):
    browser, _ = await signed_in(api)
    await add_app(browser)
    page = (await browser.get(FACTORS)).text
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found
    form = {"csrfmiddlewaretoken": found[1], "action": "renew_recovery_codes"}
    sent = [await browser.post(FACTORS, data=form) for _ in range(2)]
    shown, again = [await follow(browser, response) for response in sent]
    codes = CODE.findall(shown.text)
    assert (len(codes), CODE.findall(again.text)) == (10, [])
    assert "were shown already" in again.text
    assert await RecoveryCode.objects.acount() == 10


async def test_key_of_an_app_is_shown_once(api: httpx.AsyncClient):
    browser, _ = await signed_in(api)
    begun = await submit(browser, FACTORS, TOTP)
    assert KEY.search((await follow(browser, begun)).text)
    again = await follow(browser, begun)
    assert (again.status_code, KEY.search(again.text)) == (200, None)
    assert "shown only once" in again.text


def test_same_form_of_a_tab_that_was_opened_before_is_not_done_again(real):
    key = make_key()
    page = f"{KEYS}rotate/?id={key.id}"
    first, second = (
        filled(real, page, opened_at=opened_at(real, page), grace_seconds="0", reason="A leak") for _ in range(2)
    )
    sent = real.post(page, first)
    again = real.post(page, second, follow=True)
    assert again.redirect_chain[0][0] == sent["location"]
    assert "The same form was sent from another page" in text_of(again)
    assert ApiKeySecret.objects.count() == 2


def test_same_form_that_is_opened_afterwards_is_done(real):
    key = make_key()
    page = f"{KEYS}rotate/?id={key.id}"
    for number in (2, 3, 4):
        form = filled(real, page, opened_at=opened_at(real, page), grace_seconds="0", reason="A leak")
        assert real.post(page, form).status_code == 302
        assert ApiKeySecret.objects.count() == number


def test_another_form_of_a_tab_that_was_opened_before_is_done(real):
    user, opened = make_user(), opened_at(real, ADD)
    for name in ("ours", "theirs"):
        real.post(ADD, {**new_key(real, user, name), "opened_at": opened})
    assert sorted(ApiKey.objects.values_list("name", flat=True)) == ["ours", "theirs"]


def test_posting_with_the_reference_of_another_tab_is_posted_once(real):
    user = make_user()
    page, opened = f"/admin/credits/creditbalance/post/?id={user.pk}", opened_at(real, ADD)
    posting = {"amount": "5", "type": "goodwill", "description": "Sorry", "reason": "An outage"}
    preview = text_of(real.post(page, filled(real, page, **posting, own_reference="form-0")))
    previewed = re.search(r'name="previewed" value="([^"]+)"', preview)
    assert previewed
    for reference in ("form-1", "form-2"):
        own = {"own_reference": reference, "previewed": previewed[1], "opened_at": opened}
        assert real.post(page, filled(real, page, **posting, **own)).status_code == 302
    assert CreditTransaction.objects.count() == 1


def test_same_form_with_a_password_is_not_remembered(real):
    account = {"email": "bo@example.com", "username": "bo", "password": "a lamp beside the window"}
    page = f"{USERS}add/"
    forms = [filled(real, page, opened_at=opened_at(real, page), **account) for _ in range(2)]
    assert [real.post(page, form).status_code for form in forms] == [302, 200]
    assert User.objects.filter(email="bo@example.com").count() == 1


def test_export_that_is_sent_twice_is_recorded_once(real):
    page = f"{USERS}export/?id={make_user().pk}"
    form = filled(real, page, reason="The customer asked for it")
    assert [real.post(page, form).status_code for _ in range(2)] == [200, 200]
    assert AuditEvent.objects.filter(action="user.exported").count() == 1
