"""What was typed survives re-authentication and an ended session: the form comes back filled, to be sent."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from apps.api_keys.models import ApiKey
from apps.authentication.models import Session
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.idempotency.models import IdempotentResponse
from apps.plans.dependencies import plan_service
from apps.plans.models import Plan
from apps.plans.schemas.plan import PlanUpdate
from apps.users.models import User
from tests.integration.backoffice.pages import KEYS, PLANS, USERS, fields_of, text_of
from tests.support.factories import PASSWORD, make_key, make_plan, make_staff, make_user

pytestmark = pytest.mark.integration

LOGIN = "/admin/login/"
BACK = "Your input is back."


@pytest.fixture
def staff(database) -> User:
    return make_staff(email="root@example.com", username="root", password=PASSWORD)


def end_session() -> None:
    Session.objects.update(revoked_at=Now())


def sign_in(browser: Client, email: str = "root@example.com") -> Any:
    return browser.post(LOGIN, {"username": email, "password": PASSWORD})


def test_edit_survives_an_ended_session(browser):
    plan = make_plan(("minute", 60, 60), name="gold")
    page = f"{PLANS}{plan.pk}/change/"
    form = {**fields_of(browser.get(page), "plan_form"), "name": "platinum", "reason": "A new name"}
    end_session()
    assert browser.post(page, form)["location"] == f"{LOGIN}?next={page}"
    assert sign_in(browser).status_code == 302
    back = browser.get(page)
    assert BACK in text_of(back)
    filled = fields_of(back, "plan_form")
    assert (filled["name"], filled["initial-name"], filled["reason"]) == (["platinum"], ["gold"], ["A new name"])
    assert Plan.objects.get(pk=plan.pk).name == "gold"
    assert browser.post(page, {**filled, "confirmed": "on"}).status_code == 302
    assert Plan.objects.get(pk=plan.pk).name == "platinum"
    assert BACK not in text_of(browser.get(page))


def test_new_row_survives_an_ended_session(browser):
    page, user = f"{KEYS}add/", make_user()
    form = fields_of(browser.get(page), "apikey_form")
    typed = {"user": user.pk, "name": "ours", "scopes": "a:b\nc:d", "metadata": "{broken", "expires_at_0": "2030-01-02"}
    end_session()
    browser.post(page, {**form, **typed, "reason": "They asked"})
    sign_in(browser)
    filled = fields_of(browser.get(page), "apikey_form")
    assert {name: filled[name] for name in (*typed, "reason")} == {
        "user": [str(user.pk)],
        "name": ["ours"],
        "scopes": ["a:b\r\nc:d"],
        "metadata": ["{broken"],
        "expires_at_0": ["2030-01-02"],
        "reason": ["They asked"],
    }
    assert not ApiKey.objects.exists()


def test_operation_survives_an_ended_session(browser):
    page = f"{KEYS}rotate/?id={make_key().id}"
    end_session()
    browser.post(page, {"grace_seconds": "other", "other_hours": "48", "reason": "A leak"})
    sign_in(browser)
    filled = fields_of(browser.get(page), "operation-form")
    assert (filled["grace_seconds"], filled["other_hours"], filled["reason"]) == (["other"], ["48"], ["A leak"])


def test_note_survives_an_ended_session(browser):
    page = f"/admin/customers/{make_user().pk}/notes/"
    end_session()
    browser.post(page, {"text": "They called about an invoice."})
    sign_in(browser)
    assert "They called about an invoice.</textarea>" in text_of(browser.get(page))


def test_edit_survives_re_authentication(browser):
    user = make_user()
    page = f"{USERS}{user.pk}/change/"
    form = fields_of(browser.get(page), "user_form")
    Session.objects.update(authenticated_at=Now() - timedelta(minutes=11))
    asked = browser.post(page, {**form, "email": "new@example.com", "reason": "They asked"})
    assert asked["location"] == f"/admin/proof/?next={page}"
    assert browser.post(asked["location"], {"password": PASSWORD})["location"] == page
    filled = fields_of(browser.get(page), "user_form")
    assert (filled["email"], filled["reason"]) == (["new@example.com"], ["They asked"])
    assert browser.post(page, filled).status_code == 302
    assert User.objects.get(pk=user.pk).email == "new@example.com"


def test_what_has_changed_meanwhile_is_told(browser):
    plan = make_plan(name="gold")
    page = f"{PLANS}{plan.pk}/change/"
    form = {**fields_of(browser.get(page), "plan_form"), "name": "platinum"}
    end_session()
    browser.post(page, form)
    call_service(plan_service().update, OPERATOR, plan.pk, PlanUpdate(name="silver", api_keys_maximum=3))
    sign_in(browser)
    back = browser.get(page)
    assert "Name: now “silver”. You entered “platinum”, which replaces it when you save." in text_of(back)
    filled = fields_of(back, "plan_form")
    assert (filled["name"], filled["api_keys_maximum"]) == (["platinum"], ["3"])


def test_another_person_in_the_same_browser_does_not_see_it(browser):
    make_staff(email="other@example.com", username="other", password=PASSWORD)
    page = f"{PLANS}add/"
    end_session()
    browser.post(page, {"name": "confidential"})
    sign_in(browser, "other@example.com")
    back = text_of(browser.get(page))
    assert (BACK in back, "confidential" in back) == (False, False)


def test_passwords_and_keys_are_not_kept(browser):
    page, key = f"{USERS}add/", make_key()
    end_session()
    typed = {
        "email": "new@example.com",
        "username": "new",
        "password": "correct horse battery",
        "full_name": key.secret,
    }
    browser.post(page, typed)
    sign_in(browser)
    filled = fields_of(browser.get(page), "user_form")
    assert (filled["email"], filled["password"], filled["full_name"]) == (["new@example.com"], [""], [""])


def test_it_is_stored_encrypted(browser):
    end_session()
    browser.post(f"{PLANS}add/", {"name": "confidential"})
    (stored,) = IdempotentResponse.objects.all()
    assert b"confidential" not in bytes(stored.response_encrypted)


def test_too_much_is_not_kept(browser):
    end_session()
    browser.post(f"{PLANS}add/", {"name": "gold", "rate_limits": "x" * 70_000})
    assert not IdempotentResponse.objects.exists()


def test_a_browser_without_a_session_stores_nothing(database):
    Client().post(f"{PLANS}add/", {"name": "gold"})
    assert not IdempotentResponse.objects.exists()
