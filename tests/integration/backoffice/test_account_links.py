"""The page of an account tells its number, and leads to all that is kept of it."""

import re

import pytest
from django.test import Client

from apps.api_keys.models import ApiKey
from tests.integration.backoffice.pages import EVENTS, KEYS, SESSIONS, USERS, text_of
from tests.support.factories import make_key, make_user

pytestmark = pytest.mark.integration

MAILS, IDENTITIES = "/admin/mail/outgoingmail/", "/admin/identities/identity/"


def _links(response) -> list[str]:
    nav = text_of(response).partition('<nav class="account-links"')[2].partition("</nav>")[0]
    return re.findall(r'href="([^"]*)"', nav)


def test_account_page_links_to_its_rows(browser: Client):
    make_user()
    user = make_user()
    links = _links(browser.get(f"{USERS}{user.pk}/change/"))
    assert {
        f"{KEYS}?user__id__exact={user.pk}",
        f"{SESSIONS}?user__id__exact={user.pk}",
        f"{IDENTITIES}?user__id__exact={user.pk}",
        f"{MAILS}?user_id={user.pk}",
        f"{EVENTS}?subject_id={user.pk}",
        f"{EVENTS}?actor_id={user.pk}",
    } <= set(links)
    assert len(links) >= 12
    assert {link: browser.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_linked_lists_show_only_rows_of_the_account(browser: Client):
    make_key()
    key = make_key(make_user())
    owner = ApiKey.objects.get(pk=key.id).user_id
    browser.post(f"{USERS}deactivate/?id={owner}")
    for query in ("subject_id", "target_id"):
        events = list(browser.get(f"{EVENTS}?{query}={owner}").context["cl"].result_list)
        assert [event.action for event in events] == ["user.suspended"]
    assert [each.pk for each in browser.get(f"{KEYS}?user__id__exact={owner}").context["cl"].result_list] == [key.id]


def test_links_without_permission_are_hidden(limited):
    user = make_user()
    page = limited("customers:read", "system:read").get(f"{USERS}{user.pk}/change/")
    assert _links(page) == [f"{MAILS}?user_id={user.pk}"]


def test_account_page_shows_the_id(browser: Client):
    user = make_user()
    page = text_of(browser.get(f"{USERS}{user.pk}/change/"))
    assert re.search(rf'Account id</label>\s*<div class="readonly">{user.pk}</div>', page)
    assert "Account id" not in text_of(browser.get(f"{USERS}add/"))
