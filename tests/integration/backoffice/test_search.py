"""The search on every page, and the searches of lists: by POST, with the term sealed in the address."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.api_keys.models import ApiKey
from apps.api_keys.services import key_format
from apps.audit.models import AuditEvent
from apps.backoffice.admin import search_page
from apps.core.admin import searched_list
from apps.core.event_loop import call_service
from apps.credits.models import CreditTransaction
from apps.usage.dependencies import refusals
from tests.integration.backoffice.pages import KEYS, PLANS, USERS, text_of
from tests.integration.usage.test_refusals import refused
from tests.support.factories import make_key, make_staff, make_user

pytestmark = pytest.mark.integration

SEARCH = "/admin/search/"


def _search(browser: Client, term: str, page: str = SEARCH, **filters: str) -> Any:
    return browser.post(page, {"q": term, **filters})


def _kinds(response: Any) -> dict[str, list[str]]:
    return {kind.name: [hit.label for hit in kind.hits] for kind in response.context["kinds"]}


def _query(response: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(response.headers["location"]).query)


def test_search_is_on_every_page(browser: Client):
    for page in ("/admin/", KEYS, f"{USERS}add/", "/admin/sessions/", SEARCH):
        assert '<form id="search" method="post" action="/admin/search/"' in text_of(browser.get(page)), page


@pytest.mark.parametrize("term", ["ann@example.com", "ANN@exam", "annie", "Ann Example", "example ann"])
def test_only_customer_is_opened(browser: Client, term: str):
    user = make_user(email="ann@example.com", username="annie", full_name="Ann Example")
    make_user(email="bob@other.example")
    assert _search(browser, term).headers["location"] == reverse("admin:customer", args=[user.pk])


def test_staff_are_found_apart_from_customers(browser: Client):
    make_user(email="ann@example.com")
    make_staff(email="anna@example.com")
    found = _kinds(browser.post(SEARCH, {"q": "ann"}, follow=True))
    assert found == {"Customers": ["ann@example.com"], "People": ["anna@example.com"]}


def test_key_is_opened_by_id_prefix_name_and_secret(browser: Client):
    key = make_key(name="production laptop")
    make_key(name="other")
    visible = key_format.visible_prefix(key.secret)
    for term in (f"key:{key.id}", f"KEY: {key.id}", visible, "laptop", key.secret, f" {key.secret} ", key.secret[:-1]):
        assert _search(browser, term).headers["location"] == f"{KEYS}{key.id}/change/", term


def test_reference_and_request_id_are_found(browser: Client):
    fields = {"type": "top_up", "amount": 1, "balance_after": 1, "reference_id": "invoice 2026-17"}
    entry = CreditTransaction.objects.create(user=make_user(), **fields)
    location = _search(browser, "invoice 2026-17").headers["location"]
    assert location == f"/admin/credits/credittransaction/{entry.pk}/change/"
    event = AuditEvent.objects.create(actor_kind="session", action="x", target_kind="user", request_id="req-8f2c")
    assert _search(browser, "req-8f2c").headers["location"] == f"/admin/audit/auditevent/{event.pk}/change/"


def test_calls_are_found_by_their_request_id(browser: Client, limited):
    key = make_key()
    call_service(refusals().write, [refused(key.id, "req-1b77", user_id=key.row.user_id)])
    location = _search(browser, "req-1b77").headers["location"]
    assert (location.partition("?")[0], "req-1b77" in location) == ("/admin/calls/", False)
    assert f'href="{KEYS}{key.id}/change/"' in text_of(browser.get(location))
    assert _kinds(limited("customers:read").post(SEARCH, {"q": "req-1b77"}, follow=True)) == {}


def test_several_are_grouped_by_kind(browser: Client):
    make_key(make_user(email="laptop@example.com"), name="laptop 1")
    make_key(name="laptop 2")
    response = browser.post(SEARCH, {"q": "laptop"}, follow=True)
    assert _kinds(response) == {"Customers": ["laptop@example.com"], "API keys": ["laptop 2", "laptop 1"]}
    again = browser.get(response.redirect_chain[0][0])  # a reload
    assert _kinds(again) == _kinds(response)


def test_at_most_ten_of_a_kind_are_shown(browser: Client):
    for number in range(12):
        make_key(name=f"batch {number}")
    response = browser.post(SEARCH, {"q": "batch"}, follow=True)
    assert len(_kinds(response)["API keys"]) == search_page.HITS_MAXIMUM
    assert "There are more." in text_of(response)


def test_only_what_staff_may_see_is_found(browser: Client, limited):
    key = make_key(make_user(email="ann@example.com"), name="ann's key")
    keys_only = limited("keys:read")
    assert _search(keys_only, "ann").headers["location"] == f"{KEYS}{key.id}/change/"
    nothing = limited()
    assert _kinds(nothing.post(SEARCH, {"q": "ann"}, follow=True)) == {}
    assert nothing.post(SEARCH, {"q": key.secret}).headers["location"] == KEYS


@pytest.mark.parametrize("term", ["", "  ", "ab", "\x00abc"])
def test_short_terms_are_refused(browser: Client, term: str):
    response = browser.post(SEARCH, {"q": term}, follow=True)
    assert "Enter at least 3 characters." in text_of(response)


def test_term_is_in_no_address_and_no_log(browser: Client, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    make_user(email="ann.one@example.com")
    make_user(email="ann.two@example.com")
    for page in (SEARCH, f"{USERS}search/"):
        response = _search(browser, "ann.")
        assert "ann" not in response.headers["location"], page
        shown = browser.get(response.headers["location"])
        assert not [link for link in re.findall(r'href="([^"]*)"', text_of(shown)) if "ann" in link]
    assert "ann." not in caplog.text


def test_address_of_a_search_is_void_in_another_session(browser: Client, limited):
    make_user(email="ann.one@example.com")
    for page in (SEARCH, USERS):
        address = f"{page}?{urlsplit(_search(browser, 'ann.one@', f'{USERS}search/').headers['location']).query}"
        response = limited("customers:read").get(address, follow=True)
        assert searched_list.SEARCH_EXPIRED in text_of(response), page
        assert "ann.one@" not in re.findall(r'value="([^"]*)"', text_of(response))


def test_unknown_secret_is_not_repeated(browser: Client):
    secret = key_format.generate_key("live")
    response = browser.post(SEARCH, {"q": secret}, follow=True)
    assert "No API key has this secret." in text_of(response)
    assert secret not in text_of(response)
    near = browser.post(SEARCH, {"q": f"what is {secret} for"}, follow=True)
    assert secret not in text_of(near)


@pytest.mark.parametrize("around", ["what is {} for", '"{}"', "x-api-key:{}", "{}_copy"])
def test_pasted_secret_reaches_neither_a_page_nor_the_database(browser: Client, around: str):
    """PostgreSQL logs a slow statement together with the term."""
    secret = key_format.generate_key("live")
    term = around.format(secret)
    with CaptureQueriesContext(connection) as statements:
        for page in (SEARCH, f"{KEYS}search/", f"{USERS}search/"):
            assert secret not in text_of(browser.post(page, {"q": term}, follow=True)), page
        for page in (SEARCH, KEYS, USERS):  # an address that the admin does not make
            assert secret not in text_of(browser.get(page, {"q": term}, follow=True)), page
        choice = {"term": term, "app_label": "api_keys", "model_name": "apikey", "field_name": "user"}
        assert browser.post("/admin/autocomplete/", choice).json()["results"] == []
    assert len(statements) > 0
    assert [query["sql"] for query in statements if secret.upper() in query["sql"].upper()] == []


def test_lists_are_searched_by_post_with_pages_orders_and_filters(browser: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(admin.site._registry[ApiKey], "list_per_page", 2)
    for number in range(5):
        make_key(name=f"laptop {number}", environment="test" if number == 4 else "live")
    make_key(name="other")
    first = browser.post(f"{KEYS}search/", {"q": "laptop", "p": "7"}, follow=True)
    assert [key.name for key in first.context["cl"].result_list] == ["laptop 4", "laptop 3"]
    assert first.context["cl"].query == "laptop"
    (second,) = {link for link in re.findall(r'href="(\?[^"]+)"', text_of(first)) if "p=2" in link}
    assert [key.name for key in browser.get(KEYS + second).context["cl"].result_list] == ["laptop 2", "laptop 1"]
    (filtered,) = {
        link for link in re.findall(r'href="(\?[^"]+)"', text_of(first)) if "environment__exact=test" in link
    }
    assert [key.name for key in browser.get(KEYS + filtered).context["cl"].result_list] == ["laptop 4"]
    kept = _search(browser, "laptop", f"{KEYS}search/", environment__exact="test")
    assert _query(kept)["environment__exact"] == ["test"]


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_every_list_is_searched_by_post(browser: Client, model: Any):
    name = f"admin:{model._meta.label_lower.replace('.', '_')}"
    if not admin.site._registry[model].search_fields:
        return
    page = text_of(browser.get(reverse(f"{name}_changelist")))
    assert f'<form id="changelist-search" method="post" action="{reverse(f"{name}_search")}"' in page
    location = _search(browser, "something", reverse(f"{name}_search")).headers["location"]
    assert "something" not in location
    assert browser.get(location).context["cl"].query == "something"
    assert browser.get(reverse(f"{name}_search")).status_code == 405


def test_search_without_a_term_shows_the_whole_list(browser: Client):
    assert _search(browser, " ", f"{PLANS}search/").headers["location"] == f"{PLANS}?"


def test_words_of_a_pasted_text_are_looked_for_only_up_to_a_length(browser: Client):
    make_user(email="ann@example.com")
    text = "ann " * 5000
    choice = {"term": text, "app_label": "api_keys", "model_name": "apikey", "field_name": "user"}
    with CaptureQueriesContext(connection) as statements:
        assert browser.post("/admin/autocomplete/", choice).json()["results"]
        assert browser.post(SEARCH, {"q": text}).status_code == 302
    assert max(len(query["sql"]) for query in statements) < 100_000


def test_search_that_takes_too_long_says_so(browser: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search_page, "SECONDS_MAXIMUM", 1)
    sleeping = Q(RawSQL("pg_sleep(3) IS NOT NULL", [], output_field=BooleanField()))
    monkeypatch.setattr(admin.site._registry[ApiKey], "found_by", lambda _term: sleeping)
    make_key(name="laptop")
    assert "took too long" in text_of(browser.post(SEARCH, {"q": "laptop"}, follow=True))
