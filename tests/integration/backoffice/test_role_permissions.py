"""The permissions that a role may carry: those that a page of the admin asks for, and no others."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client

from apps.users.models import Role
from tests.integration.backoffice.pages import ROLES, form_errors, text_of

pytestmark = pytest.mark.integration

ALL = ("add", "change", "delete", "view")
VERBS = {
    "api_keys.apikey": ALL,
    "audit.auditevent": ("view",),
    "authentication.session": ("change", "view"),
    "credits.creditbalance": ("change", "view"),
    "credits.credittransaction": ("view",),
    "identities.identity": ("delete", "view"),
    "mail.outgoingmail": ("change", "view"),
    "plans.plan": ALL,
    "second_factors.passkey": ("view",),
    "second_factors.totpdevice": ("view",),
    "users.invitation": ("add", "change", "view"),
    "users.role": ("view",),
    "users.user": ALL,
}


def _names() -> list[str]:
    pages = (label.split(".") for label in VERBS)
    return [f"{app}.{verb}_{model}" for app, model in pages for verb in VERBS[f"{app}.{model}"]]


def test_they_are_those_that_pages_ask_for(database):
    assert [row.full_name for row in Role.objects.grantable_permissions()] == _names()


def test_the_form_offers_them_and_says_what_they_limit(browser: Client, limited):
    page = text_of(browser.get(f"{ROLES}add/"))
    assert page.count("<option value=") == len(_names())
    said = "They do not limit what staff do through the API."
    assert said in page
    role = Role.objects.create(name="support")
    assert said in text_of(limited("users.view_role").get(f"{ROLES}{role.pk}/change/"))


def test_one_that_no_page_asks_for_is_refused(browser: Client):
    for name in ("second_factors.add_recoverycode", "audit.delete_auditevent", "users.change_role"):
        refused = browser.post(f"{ROLES}add/", {"name": "support", "permissions": [name]})
        assert "permissions" in form_errors(refused)
    assert not Role.objects.filter(name="support").exists()


@pytest.mark.parametrize("pages", admin.site._registry.values(), ids=lambda pages: pages.opts.label)
def test_no_other_verb_opens_anything(pages: Any, limited):
    """Whoever has every permission that roles cannot carry may do no more in the list than look at it."""
    app, model = pages.opts.app_label, pages.opts.model_name
    others = Permission.objects.filter(content_type__app_label=app, content_type__model=model)
    names = [f"{app}.{row.codename}" for row in others]
    beyond = [name for name in names if name not in _names()]
    browser = limited(*beyond)
    answer = browser.get(f"/admin/{app}/{model}/")
    assert answer.status_code == (200 if f"{app}.change_{model}" in beyond else 403)
    if answer.status_code == 200:
        assert not answer.context["has_add_permission"]
        assert list(answer.context["cl"].model_admin.get_actions(answer.wsgi_request)) == []
