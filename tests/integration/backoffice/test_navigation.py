"""The header's menus: every list in a group, for staff with the permission, without a script in the page."""

import re

import pytest
from django.contrib import admin
from django.test import Client

from apps.backoffice.admin.navigation import GROUPS, OTHERS, grouped, labels_in
from tests.integration.backoffice.pages import KEYS, USERS, text_of

pytestmark = pytest.mark.integration


def _menus(response) -> dict[str, list[str]]:
    """Return the links of the header's menus, by the name of the menu."""
    nav = text_of(response).partition('<nav class="menus"')[2].partition("</nav>")[0]
    menus = re.findall(r"<summary[^>]*>([^<]*)</summary>(.*?)</details>", nav, re.DOTALL)
    return {name: re.findall(r"<a [^>]*>([^<]*)</a>", links) for name, links in menus}


def _current(response) -> list[str]:
    header = text_of(response).partition('<nav class="menus"')[2].partition("</nav>")[0]
    return re.findall(r'aria-current="true">([^<]*)<', header)


def test_every_list_is_in_one_group(browser: Client):
    labels = [label for group in GROUPS for label in labels_in(group)]
    registered = [model._meta.label for model in admin.site._registry]
    assert sorted(set(registered) - set(labels)) == [], "name these in `menu` of the declaration of their app"
    assert sorted(labels) == sorted(registered)
    menus = _menus(browser.get("/admin/"))
    assert list(menus) == list(GROUPS)
    # Apps may declare more lists; these are in this order.
    for group, names in {
        "Customers": ["Customers", "Invitations", "Staff", "Roles"],
        "Keys and credits": ["API keys", "Plans", "Credit balances", "Credit transactions"],
        "Signing in": ["Sessions", "Passkeys", "TOTP devices", "Identities"],
        "Records": ["Audit events", "Outgoing mails"],
    }.items():
        assert [name for name in menus[group] if name in names] == names


def test_first_page_shows_the_same_groups(browser: Client):
    page = text_of(browser.get("/admin/"))
    assert re.findall(r'<span class="section">([^<]*)</span>', page) == list(GROUPS)
    assert f'<a href="{KEYS}add/" class="addlink"' in page
    assert '<a href="/admin/users/" class="section">Users</a>' in text_of(browser.get("/admin/users/"))


def test_current_list_and_group_are_marked(browser: Client):
    assert _current(browser.get(KEYS)) == ["Keys and credits", "API keys"]
    assert _current(browser.get(f"{USERS}add/")) == ["Customers", "Customers"]
    assert _current(browser.get("/admin/")) == []


def test_menus_show_only_permitted_lists(limited):
    assert _menus(limited("audit:read").get("/admin/")) == {"Records": ["Audit events"]}
    nothing = limited().get("/admin/")
    assert _menus(nothing) == {}
    assert "You do not have permission to view any list." in text_of(nothing)


def test_own_sessions_have_a_link(browser: Client):
    assert '<a href="/admin/sessions/">Your sessions</a>' in text_of(browser.get("/admin/"))


def test_list_without_group_is_shown_last():
    class Model:
        class _meta:  # noqa: N801
            label = "unlisted.Entity"

    apps = [{"models": [{"model": Model, "name": "Entities", "admin_url": "/admin/unlisted/entity/"}]}]
    (group,) = grouped(apps, "/admin/unlisted/entity/7/change/")
    assert (group["name"], group["is_current"], [each["name"] for each in group["models"]]) == (
        OTHERS,
        True,
        ["Entities"],
    )
