"""Access to the admin, and what each scope allows."""

import pytest
from django.test import Client

from apps.api_keys.models import ApiKey
from apps.audit.models import AuditEvent
from tests.integration.backoffice.pages import EVENTS, KEYS, USERS, text_of
from tests.support.factories import make_key, make_user
from tests.support.staff_browser import browser_of

pytestmark = pytest.mark.integration

WRITING_PAGES = ("add/", "revoke/?id={id}", "rotate/?id={id}", "delete/?id={id}", "{id}/delete/", "{id}/change/")


@pytest.mark.parametrize("page", ["", *WRITING_PAGES, "search/"])
def test_staff_without_scopes_are_refused(limited, page):
    browser, key = limited(), make_key()
    address = KEYS + page.format(id=key.id)
    assert browser.post(address, {"name": "x", "grace_seconds": "0"}).status_code == (302 if page == "search/" else 403)
    _assert_untouched()


@pytest.mark.parametrize("page", WRITING_PAGES)
def test_reading_scope_changes_nothing(limited, page):
    browser, key = limited("keys:read"), make_key()
    assert browser.get(KEYS).status_code == 200
    assert browser.get(f"{KEYS}{key.id}/change/").status_code == 200
    assert browser.post(KEYS + page.format(id=key.id), {"name": "x", "grace_seconds": "0"}).status_code == 403
    _assert_untouched()


def test_writing_scope_needs_the_reading_scope_for_pages(limited):
    browser, key = limited("keys:write"), make_key()
    for page in ("", *WRITING_PAGES):
        assert browser.get(KEYS + page.format(id=key.id)).status_code == 403


def test_writing_scope_rotates_revokes_and_deletes(limited):
    browser, key, other = limited("keys:read", "keys:write"), make_key(), make_key()
    assert browser.post(f"{KEYS}{other.id}/delete/").status_code == 302
    assert browser.post(f"{KEYS}rotate/?id={key.id}", {"grace_seconds": "0"}).status_code == 302
    assert browser.post(f"{KEYS}revoke/?id={key.id}").status_code == 302
    assert ApiKey.objects.get(pk=key.id).revoked_at is not None
    assert ApiKey.objects.get(pk=other.id).deleted_at is not None


def test_secret_search_needs_the_reading_scope(limited):
    key = make_key()
    response = limited("customers:read").post(f"{KEYS}search/", {"q": key.secret})
    assert response.headers["location"] == KEYS


@pytest.mark.parametrize("page", [KEYS, USERS, EVENTS, f"{KEYS}revoke/?id=1"])
def test_customers_and_anonymous_clients_are_redirected_to_login(database, page):
    anonymous, customer = Client(), browser_of(make_user())
    for browser in (anonymous, customer):
        assert browser.get(page).headers["location"].startswith("/admin/login/")
        assert browser.post(page).headers["location"].startswith("/admin/login/")


@pytest.mark.parametrize("page", [f"{KEYS}revoke/?id={{id}}", f"{KEYS}{{id}}/delete/", f"{KEYS}add/"])
def test_forged_form_is_refused(staff, page):
    browser, key = browser_of(staff, enforce_csrf_checks=True), make_key()
    assert browser.post(page.format(id=key.id)).status_code == 403
    _assert_untouched()


@pytest.mark.parametrize("ids", ["", "?id=", "?id=abc", "?id=-1", "?id=" + "9" * 40, "?id=٣", "?id=%00", "?id=1&id=x"])
def test_invalid_ids_change_nothing(browser, ids):
    assert "“Revoke” does not apply here." in text_of(browser.post(f"{KEYS}revoke/{ids}", follow=True))
    assert browser.get(f"{KEYS}{'9' * 40}/change/").status_code in {302, 404}


def test_audit_trail_is_read_only(browser):
    key = make_key()
    browser.post(f"{KEYS}revoke/?id={key.id}")
    event = AuditEvent.objects.get()
    assert "api_key.revoked" in text_of(browser.get(EVENTS))
    page = f"{EVENTS}{event.pk}/change/"
    assert "root@example.com" in text_of(browser.get(page))
    for address in (page, f"{EVENTS}add/", f"{EVENTS}{event.pk}/delete/"):
        assert browser.post(address, {"action": "x"}).status_code == 403
    assert AuditEvent.objects.get().action == "api_key.revoked"


@pytest.mark.parametrize(
    "query", ["?target_kind=api_key&target_id={id}", "?actor_kind=session", "?q=api_key.revoked", "?q={id}"]
)
def test_audit_trail_is_filtered(browser, query):
    key = make_key()
    browser.post(f"{KEYS}revoke/?id={key.id}")
    assert "api_key.revoked" in text_of(browser.get(EVENTS + query.format(id=key.id)))
    assert "api_key.revoked" not in text_of(browser.get(f"{EVENTS}?target_kind=user"))


def test_groups_are_not_offered(browser):
    assert browser.get("/admin/auth/group/").status_code == 404


def _assert_untouched() -> None:
    key = ApiKey.objects.get()
    assert (key.name, key.revoked_at, key.deleted_at) == ("key", None, None)
    assert not AuditEvent.objects.exists()
