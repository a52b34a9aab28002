"""The menu: every list in a group, for staff with the permission."""

import re
from datetime import timedelta
from itertools import chain

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone

from apps.backoffice.admin.navigation import GROUPS, OTHERS, entries_of, grouped, linked_from_accounts
from apps.core.declarations import menu_entries
from apps.credits.models import CreditApproval
from tests.integration.backoffice.pages import KEYS, USERS, text_of
from tests.support.factories import make_staff, make_user

pytestmark = pytest.mark.integration


def _menu(response) -> dict[str, list[str]]:
    """Return the links of the menu by group; a link without a group is one of its own name."""
    nav = _nav(response)
    groups = re.findall(r"<h2>.*?</span>([^<]*)</h2>\s*<ul[^>]*>(.*?)</ul>", nav, re.DOTALL)
    single = re.sub(r"<h2>.*?</ul>", "", nav, flags=re.DOTALL)
    return {**{name: [name] for name in _links(single)}, **{name: _links(links) for name, links in groups}}


def _links(markup: str) -> list[str]:
    return re.findall(r"<a [^>]*>(?:<span[^>]*>[^<]*</span>)?([^<]*)</a>", markup)


def _nav(response) -> str:
    return text_of(response).partition('<nav class="menus"')[2].partition("</nav>")[0]


def _current(response) -> list[str]:
    return re.findall(r'aria-current="true">(?:<span[^>]*>[^<]*</span>)?([^<]*)<', _nav(response))


def test_every_list_is_in_the_menu_or_linked_from_accounts(browser: Client):
    in_menu = [entry.model for group in GROUPS for entry in entries_of(group)]
    registered = {model._meta.label for model in admin.site._registry}
    missing = "name these in `menu` or `account_links` of the declaration of their app"
    assert registered - {*in_menu, *linked_from_accounts()} == set(), missing
    assert len(in_menu) == len(set(in_menu))
    assert {entry.group for entry in menu_entries()} == set(GROUPS)
    assert _menu(browser.get("/admin/")).keys() == {"Home", *GROUPS}


def test_menu_is_in_this_order(browser: Client):
    menu = _menu(browser.get("/admin/"))
    # Apps may declare more lists; these are in this order.
    for group, names in {
        "Customers": ["Customers"],
        "API keys": ["API keys"],
        "Credits": ["Ledger"],
        "Plans": ["Plans"],
        "Security": ["Sessions", "Audit events"],
        "Staff": ["People", "Roles", "Invitations"],
        "System": ["Outgoing mails"],
    }.items():
        assert [name for name in menu[group] if name in names] == names
    groups = re.findall(rf">({'|'.join(GROUPS)})<", _nav(browser.get("/admin/")))
    assert list(dict.fromkeys(groups)) == list(GROUPS)


def test_lists_of_one_account_have_no_menu_and_are_linked_from_its_page(browser: Client):
    names = {"Passkeys", "TOTP devices", "Identities", "Credit balances"}
    menu = _menu(browser.get("/admin/"))
    assert names.isdisjoint(chain.from_iterable(menu.values()))
    page = text_of(browser.get(f"{USERS}{make_user().pk}/change/"))
    for label in (
        "second_factors/passkey",
        "second_factors/totpdevice",
        "identities/identity",
        "credits/creditbalance",
    ):
        assert f'href="/admin/{label}/' in page, label


def test_first_page_shows_the_same_groups(browser: Client):
    page = text_of(browser.get("/admin/"))
    assert re.findall(r'class="section">([^<]*)<', page) == list(GROUPS)
    assert f'<a href="{KEYS}add/" class="addlink"' in page
    assert '<a href="/admin/users/" class="section">Users</a>' in text_of(browser.get("/admin/users/"))


def test_current_list_is_marked(browser: Client):
    assert _current(browser.get(KEYS)) == ["API keys"]
    assert _current(browser.get(f"{USERS}add/")) == ["Customers"]
    assert _current(browser.get("/admin/")) == []


def test_menu_shows_only_permitted_lists(limited):
    assert _menu(limited("audit:read").get("/admin/")) == {"Home": ["Home"], "Security": ["Audit events"]}
    nothing = limited().get("/admin/")
    assert _menu(nothing) == {"Home": ["Home"]}
    assert "You do not have permission to view any list." in text_of(nothing)


def test_own_sessions_have_a_link(browser: Client):
    assert '<a href="/admin/sessions/">Your sessions</a>' in text_of(browser.get("/admin/"))


def test_list_without_group_is_shown_last():
    class Model:
        class _meta:  # noqa: N801
            label = "unlisted.Entity"

    apps = [{"models": [{"model": Model, "name": "Entities", "admin_url": "/admin/unlisted/entity/"}]}]
    (group,) = grouped(apps, "/admin/unlisted/entity/7/change/")
    assert (group["name"], [(each["name"], each["is_current"]) for each in group["models"]]) == (
        OTHERS,
        [("Entities", True)],
    )


def test_first_page_shows_the_postings_that_wait_for_approval(browser: Client, limited):
    assert "for approval" not in text_of(browser.get("/admin/"))
    for number in range(2):
        fields = {"type": "top_up", "amount": 1, "reference_id": str(number), "requested_by": make_staff()}
        CreditApproval.objects.create(user=make_user(), expires_at=timezone.now() + timedelta(days=1), **fields)
    assert "2 postings of credits wait for approval" in text_of(browser.get("/admin/"))
    assert "for approval" not in text_of(limited("keys:read").get("/admin/"))
