"""The lists: columns, states, searches, and queries that do not grow with the rows."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.api_keys.services import key_format
from tests.integration.backoffice.pages import EVENTS, KEYS, USERS, text_of
from tests.support.factories import make_key, make_user

pytestmark = pytest.mark.integration

LINK = re.compile(r'href="(\?[^"]+)"')
YESTERDAY = timezone.now() - timedelta(days=1)
STATES: dict[str, dict[str, Any]] = {
    "active": {},
    "disabled": {"is_active": False},
    "expired": {"expires_at": YESTERDAY},
    "revoked": {"revoked_at": YESTERDAY, "is_active": False},
    "deleted": {"deleted_at": YESTERDAY, "revoked_at": YESTERDAY},
}


def _names(response) -> list[str]:
    return [key.name for key in response.context["cl"].result_list]


def test_keys_are_filtered_by_state(browser):
    for state, fields in STATES.items():
        make_key(name=f"the {state} one", **fields)
    for state in STATES:
        response = browser.get(KEYS, {"state": state})
        assert _names(response) == [f"the {state} one"]
        assert f'<span class="badge {state}">' in text_of(response)
    assert len(_names(browser.get(KEYS))) == len(STATES) - 1


def test_keys_are_filtered_by_environment_and_owner(browser):
    key = make_key(name="test key", environment="test")
    make_key(name="live key")
    assert _names(browser.get(KEYS, {"environment": "test"})) == ["test key"]
    assert _names(browser.get(KEYS, {"user__id__exact": key.row.user_id})) == ["test key"]


def test_keys_are_found_by_name_owner_and_prefix(browser):
    key = make_key(make_user(email="ann@example.com", username="annie"), name="production")
    make_key(name="other")
    for term in ("produc", "ann@example", "annie", key_format.visible_prefix(key.secret)):
        response = browser.post(f"{KEYS}search/", {"q": term}, follow=True)
        assert _names(response) == ["production"], term


@pytest.mark.parametrize("method", ["get", "post"])
def test_key_is_found_by_its_secret_which_stays_out_of_the_url(browser, method, caplog):
    caplog.set_level("DEBUG")
    key = make_key()
    send = {
        "get": lambda: browser.get(KEYS, {"q": key.secret}),
        "post": lambda: browser.post(f"{KEYS}search/", {"q": f" {key.secret} "}),
    }
    response = send[method]()
    assert response.headers["location"] == f"{KEYS}{key.id}/change/"
    assert key.secret not in caplog.text


def test_unknown_secret_is_not_repeated(browser):
    secret = key_format.generate_key("live")
    response = browser.post(f"{KEYS}search/", {"q": secret}, follow=True)
    assert response.redirect_chain == [(KEYS, 302)]
    assert "No API key has this secret." in text_of(response)
    assert secret not in text_of(response)


def test_mistyped_secret_is_cut_to_its_visible_part(browser):
    key = make_key(name="production")
    response = browser.post(f"{KEYS}search/", {"q": key.secret[:-1], "state": "active"})
    query = parse_qs(urlsplit(response.headers["location"]).query)
    assert (query["state"], query["q"][0][0]) == (["active"], "~")
    page = browser.get(response.headers["location"])
    assert page.context["cl"].query == key_format.visible_prefix(key.secret)
    assert _names(page) == ["production"]
    assert key.secret[:-1] not in text_of(page)


def _lists() -> list[str]:
    return [f"admin:{model._meta.label_lower.replace('.', '_')}_changelist" for model in admin.site._registry]


@pytest.mark.parametrize("name", _lists())
def test_every_filter_and_order_is_shown(browser, name):
    # Statements are bound on the server, which refuses some that Django could send with the values in them.
    make_key()
    page = reverse(name)
    opened = browser.get(page, {"q": "x"})
    assert opened.status_code == 200
    for link in sorted(set(LINK.findall(text_of(opened)))):
        assert browser.get(f"{page}{link}").status_code == 200, link


def test_no_filter_counts_the_rows_of_each_choice(browser):
    make_key()
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(KEYS, {"_facets": "True"}).status_code == 200
    assert len([query for query in queries if "COUNT(" in query["sql"]]) == 1


def test_unknown_state_finds_nothing(browser):
    make_key()
    assert _names(browser.get(KEYS, {"state": "unknown"})) == []


def test_words_may_match_the_owner_and_the_key(browser):
    make_key(make_user(email="ann@example.com"), name="production")
    make_key(make_user(email="bob@example.com"), name="production")
    assert _names(browser.post(f"{KEYS}search/", {"q": "ann produc"}, follow=True)) == ["production"]


def test_search_is_sent_in_a_body(browser):
    assert browser.get(f"{KEYS}search/").status_code == 405


@pytest.mark.parametrize("page", [KEYS, USERS, EVENTS, f"{KEYS}?q=k", f"{USERS}?q=u"])
def test_number_of_queries_is_constant(browser, page):
    def rows(number: int) -> int:
        for _ in range(number):
            key = make_key()
            browser.post(f"{KEYS}revoke/?id={key.id}")
        with CaptureQueriesContext(connection) as queries:
            browser.get(page)
        return len(queries)

    assert rows(1) == rows(7)


def test_choice_of_owner_offers_no_deleted_account(browser):
    make_user(email="ann@example.com")
    make_user(email="anna@example.com", deleted_at=timezone.now(), is_active=False)
    choice = {"term": "ann", "app_label": "api_keys", "model_name": "apikey", "field_name": "user"}
    answer = browser.post("/admin/autocomplete/", choice).json()
    assert [result["text"] for result in answer["results"]] == ["ann@example.com"]
    assert 'data-ajax--type="POST"' in text_of(browser.get(f"{KEYS}add/"))
