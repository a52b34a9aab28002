"""The look: nothing that the content security policy would refuse, and no page that another may frame."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from apps.backoffice.admin.navigation import GROUPS, OTHERS_ICON
from config.management.commands.collectstatic import UNUSED
from tests.integration.backoffice.pages import KEYS, PLANS, ROLES, USERS, text_of
from tests.support.factories import make_key

pytestmark = pytest.mark.integration

INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)(?![^>]*application/json)")
OUTSIDE = re.compile(r"""(?:src|href|action)=["'](?:https?:)?//[^"']*""")
OWN = [
    "/admin/",
    "/admin/sessions/",
    "/admin/second-factors/",
    "/admin/proof/",
    "/admin/password_change/",
    "/admin/users/",
]
FORMS = [f"{KEYS}add/", f"{USERS}add/", f"{PLANS}add/", f"{ROLES}add/"]


def _lists() -> list[str]:
    return [reverse(f"admin:{each._meta.label_lower.replace('.', '_')}_changelist") for each in admin.site._registry]


def _pages() -> list[str]:
    key = make_key()
    rows = [f"{KEYS}{key.id}/change/", f"{USERS}{key.row.user_id}/change/", f"{KEYS}revoke/?id={key.id}"]
    return [*OWN, *FORMS, *rows, *_lists()]


def test_no_page_has_inline_styles_scripts_or_other_hosts(browser: Client):
    for page in _pages():
        html = text_of(browser.get(page))
        assert (INLINE.findall(html), OUTSIDE.findall(html)) == ([], []), page


def test_pages_use_only_files_and_icons_that_are_served(browser: Client):
    icons = set(Path(str(finders.find("backoffice/fonts/icons.txt"))).read_text().split())
    for page in _pages():
        html = text_of(browser.get(page))
        linked = re.findall(r'(?:src|href)="/static/([^"]+)"', html)
        assert len(linked) > 5
        assert [name for name in linked if any(fnmatch(name, pattern) for pattern in UNUSED)] == [], page
        assert set(re.findall(r"material-symbols-outlined[^<>]*>\s*(\w+)\s*<", html)) <= icons, page


def test_every_icon_of_the_menu_is_in_the_font():
    icons = set(Path(str(finders.find("backoffice/fonts/icons.txt"))).read_text().split())
    assert {*GROUPS.values(), OTHERS_ICON, "call_made"} <= icons


def test_pages_without_a_session_have_neither(client: Client):
    html = text_of(client.get("/admin/login/"))
    assert (INLINE.findall(html), OUTSIDE.findall(html)) == ([], [])


def test_no_page_may_be_framed(browser: Client):
    for page in _pages():
        response = browser.get(page)
        assert response.headers["X-Frame-Options"] == "DENY", page
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"], page


def test_policy_evaluates_no_strings_and_alpine_needs_none(browser: Client):
    policy = browser.get("/admin/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    alpine = Path(str(finders.find("unfold/js/alpine/alpine.js"))).read_text()
    assert alpine.startswith("/*! @alpinejs/csp ")
    assert re.findall(r"new (?:Async)?Function|\beval\(", alpine) == []
