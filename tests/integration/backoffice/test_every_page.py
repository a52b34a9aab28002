"""Properties of all pages of the admin, and of all password fields."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from config.account_pages import PAGES
from tests.integration.backoffice.pages import EVENTS, KEYS, PLANS, ROLES, SESSIONS, USERS, text_of
from tests.support.factories import make_key, make_plan, make_role, make_user
from tests.support.sessions import sign_in

pytestmark = pytest.mark.integration

LISTS = [EVENTS, KEYS, PLANS, ROLES, SESSIONS, USERS]
OWN = ["/admin/", "/admin/sessions/", "/admin/second-factors/", "/admin/proof/", "/admin/password_change/"]
PASSWORD_FIELDS = [
    ("/admin/login/", ["current-password"]),
    ("/admin/proof/", ["current-password"]),
    ("/admin/password_change/", ["current-password", "new-password", "new-password"]),
    (f"{USERS}add/", ["new-password"]),
    *(
        (f"/account/{name}", [field.autocomplete for field in page.fields if field.kind == "password"])
        for name, page in PAGES.items()
    ),
]


def _log_out_buttons(page: str) -> int:
    return len(re.findall(r'<form id="logout-form" method="post" action="/admin/logout/">', page))


@pytest.mark.parametrize("page", [*OWN, *LISTS, f"{USERS}add/", f"{PLANS}add/"])
def test_every_page_has_a_logout(browser: Client, page: str):
    assert _log_out_buttons(text_of(browser.get(page))) == 1


@pytest.mark.parametrize("page", [*OWN, *LISTS, f"{USERS}add/", f"{PLANS}add/"])
def test_no_page_is_stored_by_browsers(browser: Client, page: str):
    assert "no-store" in browser.get(page)["Cache-Control"]


def test_pages_of_rows_and_operations_have_a_logout(browser: Client):
    user = make_user()
    sign_in(user)
    for page in (
        reverse("admin:users_user_change", args=[user.pk]),
        f"{USERS}send-password-reset/?id={user.pk}",
        reverse("admin:users_user_history", args=[user.pk]),
    ):
        assert _log_out_buttons(text_of(browser.get(page, follow=True))) == 1, page


def test_texts_of_accounts_are_shown_as_text(browser: Client):
    markup = "<script>alert(1)</script>"
    user = make_user(full_name=markup)
    key = make_key(user, name=markup, description=markup, metadata={markup: markup}).row
    role, plan = make_role(name=markup), make_plan(name=markup)
    for page in (
        *LISTS,
        reverse("admin:users_user_change", args=[user.pk]),
        reverse("admin:api_keys_apikey_change", args=[key.pk]),
        reverse("admin:users_role_change", args=[role.pk]),
        reverse("admin:plans_plan_change", args=[plan.pk]),
        f"{KEYS}revoke/?id={key.pk}",
    ):
        html = browser.get(page).content.decode()
        assert markup not in html, page
        assert page in {EVENTS, SESSIONS} or "&lt;script&gt;alert(1)" in html, page


@pytest.mark.parametrize(("page", "completions"), PASSWORD_FIELDS)
def test_password_fields_are_masked_and_support_password_managers(browser: Client, page: str, completions: list[str]):
    client = Client() if page == "/admin/login/" else browser
    html = text_of(client.get(page))
    fields = [field for field in re.findall(r"<input[^>]*>", html) if _is_password(field)]
    assert [_attribute(field, "type") for field in fields] == ["password"] * len(completions)
    assert [_attribute(field, "autocomplete") for field in fields] == completions
    assert [field for field in fields if re.search(r"\son[a-z]+=|readonly|disabled", field)] == []


def _is_password(field: str) -> bool:
    return "password" in _attribute(field, "name") or _attribute(field, "type") == "password"


def _attribute(field: str, name: str) -> str:
    found = re.search(rf'\s{name}="([^"]*)"', field)
    return found[1] if found else ""
