"""Keys in the admin: made, changed, rotated, revoked and deleted by the service, with an audit event."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.audit.models import AuditEvent
from apps.plans.models import Plan
from tests.integration.backoffice.pages import KEYS, form_errors, only_event, text_of
from tests.support.factories import make_key, make_user

pytestmark = pytest.mark.integration


def _new(user, fields: Mapping[str, object] = MappingProxyType({})) -> dict[str, object]:
    return {"user": user.pk, "name": "production", "environment": "live", **fields}


def _page(key_id: int, operation: str = "change") -> str:
    return f"{KEYS}{key_id}/{operation}/"


def test_new_key_shows_its_secret_once(browser, staff, caplog):
    user = make_user()
    fields = {"scopes": "reports:read\n\n reports:write ", "ip_allowlist": "192.0.2.7/24", "metadata": '{"tier": 1}'}
    response = browser.post(f"{KEYS}add/", _new(user, fields), follow=True)
    secret = response.context["key"].api_key
    key = ApiKey.objects.get()
    assert response.status_code == 200
    assert secret in text_of(response)
    assert "no-store" in response.headers["cache-control"]
    assert (key.user, key.name, key.scopes) == (user, "production", ["reports:read", "reports:write"])
    assert (key.ip_allowlist, key.metadata) == (["192.0.2.0/24"], {"tier": 1})
    assert bytes(ApiKeySecret.objects.get().digest) == sha256(secret.encode()).digest()
    event = only_event(action="api_key.created")
    assert (event.actor_id, event.target_id) == (staff.pk, key.pk)
    stored = [str(event.after), caplog.text, *(str(session.get_decoded()) for session in Session.objects.all())]
    assert not any(secret in text for text in stored)
    assert secret not in text_of(browser.get(_page(key.pk)))


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"name": ""}, "name", "required"),
        ({"name": "   "}, "name", "required"),
        ({"name": "n" * 101}, "name", "100"),
        ({"user": "999999"}, "user", "valid choice"),
        ({"environment": "prod"}, "environment", "valid choice"),
        ({"scopes": "ok:read\nnot a scope"}, "scopes", "Line 2"),
        ({"scopes": "a\x00b"}, "scopes", "Null characters"),
        ({"ip_allowlist": "192.0.2.1\n300.1.1.1"}, "ip_allowlist", "Line 2: Must be an IP address"),
        ({"metadata": "{"}, "metadata", "valid JSON"),
        ({"metadata": "[1]"}, "metadata", "dictionary"),
        ({"metadata": "[" * 100_000}, "metadata", "valid JSON"),
        ({"metadata": '{"a": ' + "9" * 5_000 + "}"}, "metadata", "valid JSON"),
        ({"metadata": '{"a": "\\u0000"}'}, "metadata", "NUL"),
        ({"expires_at_0": "2001-01-01", "expires_at_1": "00:00"}, "expires_at", "future"),
        ({"expires_at_0": "tomorrow", "expires_at_1": ""}, "expires_at", "valid"),
    ],
)
def test_invalid_new_key_is_refused(browser, wrong, field, words):
    errors = form_errors(browser.post(f"{KEYS}add/", _new(make_user(), wrong)))
    assert words in errors[field][0]
    assert not ApiKey.objects.exists()
    assert not AuditEvent.objects.exists()


def test_key_beyond_the_plan_is_refused(browser):
    user = make_user(plan=Plan.objects.create(name="one key", api_keys_maximum=1))
    assert browser.post(f"{KEYS}add/", _new(user), follow=True).context["key"].api_key
    errors = form_errors(browser.post(f"{KEYS}add/", _new(user)))
    assert errors == {"__all__": ["The plan's maximum number of API keys, 1, is reached. Revoke one first."]}
    assert ApiKey.objects.count() == 1


def test_key_for_a_deleted_account_is_refused(browser):
    gone = make_user(deleted_at=timezone.now())
    assert form_errors(browser.post(f"{KEYS}add/", _new(gone))) == {"__all__": ["The resource was not found."]}
    assert not AuditEvent.objects.exists()


def test_key_is_changed(browser, staff):
    key = make_key(scopes=["a:b"], metadata={"a": 1}, is_active=True)
    form = {"name": "renamed", "description": "", "is_active": "on", "scopes": "a:b", "metadata": ""}
    assert browser.post(_page(key.id), form).status_code == 302
    key.row.refresh_from_db()
    assert (key.row.name, key.row.metadata, key.row.scopes) == ("renamed", {}, ["a:b"])
    event = only_event(action="api_key.updated")
    assert (event.actor_id, set(event.after)) == (staff.pk, {"name", "metadata"})


def test_key_is_disabled_and_its_expiry_set_and_removed(browser):
    key = make_key()
    form = {"name": "key", "expires_at_0": "2091-02-03", "expires_at_1": "04:05:06"}
    browser.post(_page(key.id), form)
    key.row.refresh_from_db()
    assert key.row.is_active is False
    assert key.row.expires_at == datetime(2091, 2, 3, 4, 5, 6, tzinfo=UTC)
    browser.post(_page(key.id), {"name": "key", "is_active": "on", "expires_at_0": "", "expires_at_1": ""})
    assert ApiKey.objects.filter(is_active=True, expires_at=None).exists()


def test_revoking_needs_a_confirmation(browser, staff):
    key = make_key()
    page = f"{KEYS}revoke/?id={key.id}"
    assert "cannot be undone" in text_of(browser.get(page))
    assert ApiKey.objects.get().revoked_at is None
    assert browser.post(page, {"reason": "a chargeback", "message": " leaked "}).headers["location"] == _page(key.id)
    row = ApiKey.objects.get()
    assert (row.revoked_at is not None, row.revoked_reason) == (True, "leaked")
    event = only_event(action="api_key.revoked", target_id=key.id)
    assert (event.actor_id, event.reason) == (staff.pk, "a chargeback")
    assert "“Revoke” does not apply here" in text_of(browser.post(page, follow=True))


def test_key_of_a_deleted_account_is_revoked_with_what_it_has_created(browser):
    key = make_key(make_user(deleted_at=timezone.now(), is_active=False))
    created = make_key(parent=key.row)
    assert browser.post(f"{KEYS}revoke/?id={key.id}", {"reason": "left"}).headers["location"] == _page(key.id)
    assert set(ApiKey.objects.exclude(revoked_at=None)) == {key.row, created.row}


def test_revoking_several_needs_a_confirmation(browser):
    keys = [make_key(name="one"), make_key(name="two"), make_key(name="three")]
    chosen = {"action": "revoke_selected", "index": "0", "_selected_action": [keys[0].id, keys[2].id]}
    asked = browser.post(KEYS, chosen).headers["location"]
    assert "2 API keys" in text_of(browser.get(asked))
    assert not AuditEvent.objects.exists()
    assert "2 API keys revoked." in text_of(browser.post(asked, {"reason": "leaked"}, follow=True))
    assert list(ApiKey.objects.filter(revoked_at=None).values_list("name", flat=True)) == ["two"]
    assert AuditEvent.objects.filter(action="api_key.revoked").count() == 2


def test_too_long_a_reason_is_refused(browser):
    key = make_key()
    assert "reason" in form_errors(browser.post(f"{KEYS}revoke/?id={key.id}", {"reason": "r" * 201}))
    assert ApiKey.objects.get().revoked_at is None


def test_rotation_shows_the_new_secret_once(browser, staff):
    key = make_key()
    response = browser.post(f"{KEYS}rotate/?id={key.id}", {"grace_seconds": "3600"}, follow=True)
    secret = response.context["key"].api_key
    assert "no-store" in response.headers["cache-control"]
    assert secret != key.secret
    newest, oldest = ApiKeySecret.objects.order_by("-id")
    assert bytes(newest.digest) == sha256(secret.encode()).digest()
    assert oldest.expires_at is not None
    event = only_event(action="api_key.rotated")
    assert (event.actor_id, event.after) == (staff.pk, {"grace_seconds": 3600})
    assert secret not in text_of(browser.get(_page(key.id)))


@pytest.mark.parametrize("hours", ["", "-1", "many", str(91 * 24), "1e3"])
def test_invalid_grace_period_is_refused(browser, hours):
    page, other = f"{KEYS}rotate/?id={make_key().id}", {"grace_seconds": "other", "other_hours": hours}
    assert "other_hours" in form_errors(browser.post(page, other))
    assert "grace_seconds" in form_errors(browser.post(page, {"grace_seconds": hours}))
    assert ApiKeySecret.objects.count() == 1


def test_old_secret_works_for_a_day_unless_another_period_is_chosen(browser):
    key = make_key()
    page = f"{KEYS}rotate/?id={key.id}"
    assert browser.get(page).context["form"]["grace_seconds"].value() == 86_400
    browser.post(page, {"grace_seconds": "other", "other_hours": "48"})
    assert only_event(action="api_key.rotated").after == {"grace_seconds": 172_800}


def test_key_is_deleted_softly(browser, staff):
    key = make_key()
    assert browser.post(_page(key.id, "delete")).headers["location"] == KEYS
    assert ApiKey.objects.get().deleted_at is not None
    assert only_event(action="api_key.deleted", target_id=key.id).actor_id == staff.pk
    assert browser.post(_page(key.id), {"name": "x"}).status_code == 403


def test_deleting_several_needs_a_confirmation(browser):
    keys = [make_key(), make_key()]
    chosen = {"action": "delete_selected", "index": "0", "_selected_action": [key.id for key in keys]}
    asked = browser.post(KEYS, chosen).headers["location"]
    assert ApiKey.objects.filter(deleted_at=None).count() == 2
    browser.post(asked)
    assert ApiKey.objects.filter(deleted_at=None).count() == 0


@pytest.mark.parametrize("owner", ["abc", "\u00b2", "-1", "9" * 30])
def test_owner_that_is_no_id_is_not_chosen(browser, owner):
    assert browser.get(f"{KEYS}add/", {"user": owner}).status_code == 200
    assert "user" in form_errors(browser.post(f"{KEYS}add/", {"user": owner, "name": "laptop"}))


def test_link_to_a_new_key_fills_in_its_owner_alone(browser):
    user = make_user()
    page = browser.get(f"{KEYS}add/", {"user": user.pk, "name": "laptop", "expires_at": "tomorrow"})
    assert page.status_code == 200
    assert page.context["adminform"].form.initial == {"user": str(user.pk)}


def test_half_of_a_surrogate_pair_in_metadata_is_refused(browser):
    metadata = r'{"a": "\ud800"}'
    response = browser.post(f"{KEYS}add/", _new(make_user(), {"metadata": metadata}))
    assert "metadata" in form_errors(response)
    assert r'"\ud800"' in text_of(response)
    found = browser.post(f"{KEYS}search/", {"q": metadata}, follow=True)
    assert list(found.context["cl"].result_list) == []
