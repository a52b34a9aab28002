"""Filters in the URLs of lists: those that the pages offer, and no other columns."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.admin import keyhouse_model_admin
from apps.core.admin.keyhouse_model_admin import KeyhouseModelAdmin
from apps.core.conventions.own_apps import is_own_app
from apps.core.database import page_statements
from apps.users.admin.staff_member_admin import StaffMemberAdmin
from apps.users.admin.user_admin import UserAdmin
from tests.integration.backoffice.pages import EVENTS, KEYS, STAFF, USERS, text_of
from tests.support.factories import make_key, make_user

pytestmark = pytest.mark.integration

GUESSES = {"startswith": "argon2", "regex": "^a", "gt": "a", "in": "a,b"}
NEVER = ("password", "_encrypted", "_digest", "public_key", "credential_id", "user_handle")


def _lists() -> list[Any]:
    return list(admin.site._registry.values())


def _fields_of(model: Any, prefix: str = "", depth: int = 2) -> Iterator[str]:
    """Yield the paths to the columns of the model and of its related models, in both directions."""
    for field in model._meta.get_fields():
        yield f"{prefix}{field.name}"
        if depth > 1 and field.is_relation and field.related_model is not None:
            yield from _fields_of(field.related_model, f"{prefix}{field.name}__", depth - 1)


@pytest.mark.parametrize("pages", _lists(), ids=lambda pages: pages.opts.label)
def test_lists_refuse_lookups_of_hidden_columns(pages: Any, browser: Client):
    address = reverse(f"admin:{pages.opts.app_label}_{pages.opts.model_name}_changelist")
    assert isinstance(pages, KeyhouseModelAdmin)
    assert is_own_app(pages.opts.app_label)
    for field in _fields_of(pages.model):
        for lookup, value in GUESSES.items():
            assert not pages.lookup_allowed(f"{field}__{lookup}", value, None), field
        if any(secret in field for secret in NEVER):
            assert not pages.lookup_allowed(field, "x", None), field
            assert not pages.lookup_allowed(f"{field}__exact", "x", None), field
    for field in pages.model._meta.concrete_fields:
        response = browser.get(address, {f"{field.name}__regex": "["})
        assert (response.status_code, response.headers.get("location")) == (302, f"{address}?e=1"), field.name


@pytest.mark.parametrize("spelling", ["9_6", "096", "+96", " 96", "٩٦", "96.0", "9" * 30])
def test_ids_are_read_as_they_are_linked(browser: Client, spelling: str):
    user = make_user(email="ann@example.com", id=96)
    key = make_key(user, id=96)
    for page in (f"{USERS}{spelling}/change/", f"{KEYS}{spelling}/change/", f"{USERS}{spelling}/delete/"):
        assert browser.get(page).status_code in {302, 404}, page  # to the home page, with a warning
        assert browser.post(page, {"reason": "x", "post": "yes"}).status_code in {302, 404}, page
    assert browser.get(f"{KEYS}revoke/", {"id": spelling}).status_code == 302
    for query in ({"target_id": spelling}, {"subject_id": spelling}, {"actor_id": spelling}):
        assert browser.get(EVENTS, query).headers["location"] == f"{EVENTS}?e=1"
    assert browser.get(USERS, {"plan__id__exact": spelling}).headers["location"] == f"{USERS}?e=1"
    assert browser.get(f"{USERS}96/change/").status_code == 200
    key.row.refresh_from_db()
    user.refresh_from_db()
    assert (key.row.revoked_at, user.deleted_at) == (None, None)


def test_password_hash_cannot_be_guessed_by_lookups(limited):
    root = make_user(email="boss@example.com", is_superuser=True, is_staff=True)
    for hash_begins in (root.password[:8], "x"):
        query = {"email": root.email, "password__startswith": hash_begins}
        assert limited("customers:read").get(USERS, query).headers["location"] == f"{USERS}?e=1"
    for path in ("user__password__startswith", "user__groups__name", "secrets__digest__startswith"):
        assert limited("keys:read").get(KEYS, {path: "a"}).headers["location"] == f"{KEYS}?e=1"


@pytest.mark.parametrize(
    "query",
    [
        "plan__id__exact=x",
        "is_active__exact=x",
        f"plan__id__exact={'9' * 30}",
        "plan__isnull=x",
        "deleted=%00",
        "groups__id__exact=%00",
        "nothing=1",
        "email__regex=[",
        "q=%00",
        "o=9.x.-.٣",
        "p=x",
        "p=99",
        "e=1&password=x",
    ],
)
def test_invalid_filters_are_ignored(browser: Client, query: str):
    assert browser.get(f"{USERS}?{query}", follow=True).status_code == 200


@pytest.mark.parametrize("query", ["target_kind=%00", "target_id=%00", f"target_id={'9' * 30}", "occurred_at__gte=9"])
def test_invalid_filters_of_the_audit_trail_are_ignored(browser: Client, query: str):
    assert browser.get(f"{EVENTS}?{query}", follow=True).status_code == 200


def test_autocomplete_refuses_lookups_and_invalid_values(browser: Client):
    make_key(make_user(email="ann@example.com"))
    choice = {"app_label": "api_keys", "model_name": "apikey", "field_name": "user"}
    for term, found in (("ann", 1), ("\x00", 0)):
        query = {**choice, "term": term, "password__startswith": "x"}
        assert len(browser.get("/admin/autocomplete/", query).json()["results"]) == found
    assert browser.get("/admin/autocomplete/", {**choice, "field_name": "password", "term": ""}).status_code == 403


def test_timeout_error_is_recognised(rf, staff):
    request = rf.get(USERS, {"password": "x"})
    request.user = staff
    pages = next(pages for pages in _lists() if pages.opts.label == "users.User")
    with pytest.raises(IncorrectLookupParameters):
        pages.get_changelist_instance(request)


@pytest.fixture
def slow_to_find(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make searches among accounts for terms with this start exceed their time."""

    def slow_down(start: str) -> None:
        def search(_self, _request, queryset, search_term):
            is_slow = search_term.startswith(start)
            return (queryset.extra(where=["pg_sleep(20) IS NOT NULL"]) if is_slow else queryset), False

        monkeypatch.setattr(page_statements, "STATEMENT_SECONDS", 1)
        monkeypatch.setattr(UserAdmin, "get_search_results", search)

    return slow_down


def test_slow_search_is_cancelled(browser: Client, slow_to_find):
    make_user()
    slow_to_find("ann")
    response = browser.get(USERS, {"q": "ann"}, follow=True)
    assert response.redirect_chain == [(USERS, 302)]
    assert "The search took too long. Enter more characters, or use fewer filters." in text_of(response)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_slow_list_is_unavailable(browser: Client, slow_to_find):
    make_user()
    slow_to_find("")
    response = browser.get(USERS, {"q": "ann"}, follow=True)
    assert response.redirect_chain == [(USERS, 302)]
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert "This list took too long to load. Try again shortly." in text_of(response)


def test_rendering_a_slow_list_is_cancelled(browser: Client, monkeypatch: pytest.MonkeyPatch):
    # The rows of a single page are read while the page is rendered.
    monkeypatch.setattr(page_statements, "STATEMENT_SECONDS", 1)
    monkeypatch.setattr(UserAdmin, "list_select_related", False)
    monkeypatch.setattr(UserAdmin, "plan_name", _slow_column, raising=False)
    monkeypatch.setattr(StaffMemberAdmin, "list_display", ("email", "plan_name"))
    response = browser.get(STAFF, {"q": "root"}, follow=True)
    assert response.redirect_chain == [(STAFF, 302)]
    assert response.status_code == 503


def _slow_column(_self: Any, _user: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")
    return ""


def test_slow_autocomplete_is_unavailable(browser: Client, slow_to_find):
    slow_to_find("ann")
    choice = {"app_label": "api_keys", "model_name": "apikey", "field_name": "user", "term": "ann"}
    response = browser.get("/admin/autocomplete/", choice)
    assert (response.status_code, text_of(response)) == (503, "The search took too long. Enter more characters.")


@pytest.mark.parametrize("pages", _lists(), ids=lambda pages: pages.opts.label)
def test_no_list_counts_all_its_rows(pages: Any, browser: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keyhouse_model_admin, "ROWS_MAXIMUM", 3)
    address = reverse(f"admin:{pages.opts.app_label}_{pages.opts.model_name}_changelist")
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(address).status_code == 200
    counts = [query["sql"] for query in queries if query["sql"].startswith("SELECT COUNT(*)")]
    assert ["LIMIT 3" in count for count in counts] == [True]
