"""Two members of staff edit the same row: the second is told what has changed, and neither reverts the other."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.models import ApiKey
from apps.api_keys.schemas.api_key import ApiKeyUpdate
from apps.audit.models import AuditEvent
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.plans.dependencies import plan_service
from apps.plans.models import Plan
from apps.plans.schemas.plan import PlanUpdate
from apps.plans.services.plan_service import PlanService
from apps.users.models import Role, User
from tests.integration.backoffice.pages import KEYS, PLANS, ROLES, USERS, fields_of, text_of
from tests.support.factories import make_key, make_role, make_user

pytestmark = pytest.mark.integration


def opened(browser: Client, page: str, form_id: str) -> dict[str, Any]:
    """Open the page and return its form as the browser sends it when nothing is changed."""
    return {**fields_of(browser.get(page), form_id), "reason": "A test", "confirmed": "on"}


def told(response: Any) -> list[str]:
    messages = [str(message) for message in get_messages(response.wsgi_request)]
    return messages[next(place for place, each in enumerate(messages) if "while you edited it" in each) :]


@pytest.fixture
def plan(database) -> Plan:
    plan = Plan.objects.create(name="gold", api_keys_maximum=5)
    plan.limits.create(name="minute", limit=60, period_seconds=60)
    return plan


def page_of(plan: Plan) -> str:
    return f"{PLANS}{plan.pk}/change/"


def test_saving_an_untouched_page_changes_nothing(browser, plan):
    user = make_user(plan=plan)
    key = ApiKey.objects.get(pk=make_key(user, description="two\nlines", metadata={"a": [1]}, budget="5").id)
    key.expires_at = datetime(2030, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)
    key.save()
    role = make_role("credits:hold", name="helpers")
    pages = [
        (page_of(plan), "plan_form"),
        (f"{KEYS}{key.pk}/change/", "apikey_form"),
        (f"{USERS}{user.pk}/change/", "user_form"),
        (f"{ROLES}{role.pk}/change/", "role_form"),
    ]
    before = AuditEvent.objects.count()
    for page, form_id in pages:
        assert browser.post(page, opened(browser, page, form_id)).status_code == 302
    assert AuditEvent.objects.count() == before


def test_fields_that_the_second_editor_left_alone_keep_the_first_editors_values(browser, plan):
    second = opened(browser, page_of(plan), "plan_form")
    browser.post(page_of(plan), {**opened(browser, page_of(plan), "plan_form"), "name": "platinum"})
    response = browser.post(page_of(plan), {**second, "api_keys_maximum": "7"})
    assert response.status_code == 409
    assert told(response) == [
        "The plan was changed while you edited it. Check the form, then save it again.",
        "Name: now “platinum”, as the form shows.",
    ]
    merged = {**fields_of(response, "plan_form"), "reason": "A test", "confirmed": "on"}
    assert (merged["name"], merged["api_keys_maximum"]) == (["platinum"], ["7"])
    assert browser.post(page_of(plan), merged).status_code == 302
    plan.refresh_from_db()
    assert (plan.name, plan.api_keys_maximum) == ("platinum", 7)


def test_second_editor_decides_about_a_field_that_both_have_changed(browser, plan):
    second = opened(browser, page_of(plan), "plan_form")
    call_service(plan_service().update, OPERATOR, plan.pk, PlanUpdate(name="platinum"))
    response = browser.post(page_of(plan), {**second, "name": "silver"})
    assert told(response)[1:] == ["Name: now “platinum”. You entered “silver”, which replaces it when you save."]
    plan.refresh_from_db()
    assert plan.name == "platinum"
    merged = {**fields_of(response, "plan_form"), "reason": "A test", "confirmed": "on"}
    assert merged["name"] == ["silver"]
    assert browser.post(page_of(plan), merged).status_code == 302
    plan.refresh_from_db()
    assert plan.name == "silver"


def test_a_third_change_is_told_again(browser, plan):
    second = opened(browser, page_of(plan), "plan_form")
    call_service(plan_service().update, OPERATOR, plan.pk, PlanUpdate(name="platinum"))
    response = browser.post(page_of(plan), {**second, "name": "silver"})
    call_service(plan_service().update, OPERATOR, plan.pk, PlanUpdate(name="iron"))
    again = browser.post(page_of(plan), {**fields_of(response, "plan_form"), "reason": "A test"})
    assert "Name: now “iron”. You entered “silver”, which replaces it when you save." in told(again)


def test_both_having_entered_the_same_is_no_conflict(browser, plan):
    second = opened(browser, page_of(plan), "plan_form")
    call_service(plan_service().update, OPERATOR, plan.pk, PlanUpdate(name="platinum"))
    assert browser.post(page_of(plan), {**second, "name": "platinum"}).status_code == 302


def test_a_change_between_reading_and_writing_is_not_lost(browser, plan, monkeypatch):
    form, update = opened(browser, page_of(plan), "plan_form"), PlanService.update

    async def after_another(self: PlanService, *arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(PlanService, "update", update)
        await update(self, OPERATOR, plan.pk, PlanUpdate(name="platinum"))
        return await update(self, *arguments, **options)

    monkeypatch.setattr(PlanService, "update", after_another)
    response = browser.post(page_of(plan), {**form, "name": "silver"})
    assert (response.status_code, "Name: now “platinum”" in told(response)[1]) == (409, True)


def test_an_invalid_form_keeps_what_its_page_showed(browser, plan):
    form = opened(browser, page_of(plan), "plan_form")
    call_service(plan_service().update, OPERATOR, plan.pk, PlanUpdate(api_keys_maximum=9))
    key = make_key()
    page = f"{KEYS}{key.id}/change/"
    changed = {
        **opened(browser, page, "apikey_form"),
        "expires_at_0": "2030-01-01",
        "expires_at_1": "10:00",
        "name": "",
    }
    refused = browser.post(page, changed)
    assert refused.status_code == 200
    assert browser.post(page, {**fields_of(refused, "apikey_form"), "name": "x", "reason": "A test"}).status_code == 302
    assert ApiKey.objects.get(pk=key.id).expires_at == datetime(2030, 1, 1, 10, tzinfo=UTC)
    assert browser.post(page_of(plan), form).status_code == 409


def test_second_editor_of_a_key_is_told(browser):
    key = make_key(description="two\nlines", metadata={"tier": 1})
    page = f"{KEYS}{key.id}/change/"
    form = opened(browser, page, "apikey_form")
    update = ApiKeyUpdate(description="", metadata={"tier": 2}, scopes=["a:b", "c:d"], is_active=False)
    call_service(api_key_service().update, OPERATOR, key.id, update)
    response = browser.post(page, {**form, "name": "mine"})
    assert set(told(response)[1:]) == {
        "Is active: now off, as the form shows.",
        "Description: now empty, as the form shows.",
        'Metadata: now “{,   "tier": 2, }”, as the form shows.',
        "Scopes: now “a:b, c:d”, as the form shows.",
    }
    merged = fields_of(response, "apikey_form")
    assert (merged["name"], "is_active" in merged, merged["description"]) == (["mine"], False, [""])


def test_second_editor_of_an_account_is_told(browser, plan):
    user, role = make_user(full_name="Ann"), make_role("credits:hold", name="helpers")
    page = f"{USERS}{user.pk}/change/"
    form = opened(browser, page, "user_form")
    User.objects.filter(pk=user.pk).update(plan=plan)
    user.groups.add(role)
    response = browser.post(page, {**form, "full_name": "Ann Example"})
    assert told(response)[1:] == [
        "Plan: now “gold”, as the form shows.",
        "Roles: now “helpers”, as the form shows.",
    ]
    merged = {**fields_of(response, "user_form"), "reason": "A test", "confirmed": "on"}
    assert browser.post(page, merged).status_code == 302
    user.refresh_from_db()
    assert (user.plan, user.full_name, user.groups.get()) == (plan, "Ann Example", role)


def test_second_editor_of_a_role_is_told(browser):
    role = make_role("credits:hold", name="helpers")
    page = f"{ROLES}{role.pk}/change/"
    form = opened(browser, page, "role_form")
    browser.post(page, {**opened(browser, page, "role_form"), "scopes": ["keys:read"]})
    response = browser.post(page, {**form, "name": "assistants"})
    assert "Scopes: now “keys:read" in told(response)[1]
    assert browser.post(page, {**fields_of(response, "role_form"), "reason": "A test"}).status_code == 302
    changed: Any = Role.objects.with_scopes().get(pk=role.pk)
    assert (changed.name, changed.scope_names) == ("assistants", ["keys:read"])
    assert ": now “" not in text_of(browser.get(page))
