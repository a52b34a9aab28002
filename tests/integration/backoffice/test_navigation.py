"""The header's menus: every list in a group, for whoever may see it, without a script in the page."""

import re

import pytest
from django.contrib import admin
from django.test import Client

from apps.backoffice.admin.navigation import GROUPS, OTHERS, grouped, labels_in
from tests.integration.backoffice.pages import KEYS, USERS, text_of

pytestmark = pytest.mark.integration


def _menus(response) -> dict[str, list[str]]:
    """Return what the header's menus offer."""
    nav = text_of(response).partition('<nav class="rooms"')[2].partition("</nav>")[0]
    menus = re.findall(r"<summary[^>]*>([^<]*)</summary>(.*?)</details>", nav, re.DOTALL)
    return {name: re.findall(r"<a [^>]*>([^<]*)</a>", links) for name, links in menus}


def _current(response) -> list[str]:
    header = text_of(response).partition('<nav class="rooms"')[2].partition("</nav>")[0]
    return re.findall(r'aria-current="true">([^<]*)<', header)


def test_every_list_stands_in_one_group(browser: Client):
    labels = [label for group in GROUPS for label in labels_in(group)]
    assert sorted(labels) == sorted(model._meta.label for model in admin.site._registry)
    assert _menus(browser.get("/admin/")) == {
        "Customers": ["Users", "Invitations", "Roles"],
        "Keys and credits": ["API keys", "Plans", "Credit balances", "Credit transactions"],
        "Signing in": ["Sessions", "Passkeys", "TOTP devices", "Identities"],
        "Records": ["Audit events", "Outgoing mails"],
    }


def test_the_first_page_shows_the_same_groups(browser: Client):
    page = text_of(browser.get("/admin/"))
    assert re.findall(r'<span class="section">([^<]*)</span>', page) == list(GROUPS)
    assert f'<a href="{KEYS}add/" class="addlink"' in page
    assert '<a href="/admin/users/" class="section">Users</a>' in text_of(browser.get("/admin/users/"))


def test_the_current_list_and_its_group_are_marked(browser: Client):
    assert _current(browser.get(KEYS)) == ["Keys and credits", "API keys"]
    assert _current(browser.get(f"{USERS}add/")) == ["Customers", "Users"]
    assert _current(browser.get("/admin/")) == []


def test_who_may_see_little_is_offered_little(limited):
    assert _menus(limited("audit.view_auditevent").get("/admin/")) == {"Records": ["Audit events"]}
    nothing = limited().get("/admin/")
    assert _menus(nothing) == {}
    assert "None of the lists is open to you." in text_of(nothing)


def test_one_s_own_sessions_are_called_so(browser: Client):
    assert '<a href="/admin/sessions/">Your sessions</a>' in text_of(browser.get("/admin/"))


def test_a_list_of_no_group_is_not_lost():
    class Model:
        class _meta:  # noqa: N801
            label = "projects.Project"

    apps = [{"models": [{"model": Model, "name": "Projects", "admin_url": "/admin/projects/project/"}]}]
    (group,) = grouped(apps, "/admin/projects/project/7/change/")
    assert (group["name"], group["is_current"], [each["name"] for each in group["models"]]) == (
        OTHERS,
        True,
        ["Projects"],
    )
