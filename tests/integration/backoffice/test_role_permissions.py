"""The permissions that a role may have: those that a page of the admin checks, and no others."""

import re
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


def _model_of(permission: str) -> str:
    app, _, codename = permission.partition(".")
    return f"{app}.{codename.rpartition('_')[2]}"


def _names() -> list[str]:
    pages = (label.split(".") for label in VERBS)
    return [f"{app}.{verb}_{model}" for app, model in pages for verb in VERBS[f"{app}.{model}"]]


def _grantable() -> list[str]:
    return [row.full_name for row in Role.objects.grantable_permissions()]


def test_permissions_are_those_that_pages_check(database):
    # Apps may add admin pages; of these models, roles may have these permissions.
    assert [name for name in _grantable() if _model_of(name) in VERBS] == _names()


def test_form_offers_permissions_and_explains_them(browser: Client, limited):
    page = text_of(browser.get(f"{ROLES}add/"))
    offered = re.findall(r'<option value="([^"]+)"', page)
    assert offered == _grantable(), (
        "the form of a role offers other permissions than Role.objects.grantable_permissions()"
    )
    explanation = "They do not limit what staff do through the API."
    assert explanation in page
    role = Role.objects.create(name="support")
    assert explanation in text_of(limited("users.view_role").get(f"{ROLES}{role.pk}/change/"))


def test_other_permissions_are_refused(browser: Client):
    for name in ("second_factors.add_recoverycode", "audit.delete_auditevent", "users.change_role"):
        refused = browser.post(f"{ROLES}add/", {"name": "support", "permissions": [name]})
        assert "permissions" in form_errors(refused)
    assert not Role.objects.filter(name="support").exists()


@pytest.mark.parametrize("pages", admin.site._registry.values(), ids=lambda pages: pages.opts.label)
def test_other_permissions_open_nothing(pages: Any, limited):
    """Permissions that roles cannot have allow no more than viewing the list."""
    app, model = pages.opts.app_label, pages.opts.model_name
    others = Permission.objects.filter(content_type__app_label=app, content_type__model=model)
    names = [f"{app}.{row.codename}" for row in others]
    beyond = [name for name in names if name not in _grantable()]
    browser = limited(*beyond)
    response = browser.get(f"/admin/{app}/{model}/")
    assert response.status_code == (200 if f"{app}.change_{model}" in beyond else 403)
    if response.status_code == 200:
        assert not response.context["has_add_permission"]
        assert list(response.context["cl"].model_admin.get_actions(response.wsgi_request)) == []
