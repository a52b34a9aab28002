"""Staff give a reason for what touches a customer. It is kept for staff; the customer reads a separate message."""

import json
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone

from apps.api_keys.models import ApiKey
from apps.audit.models import AuditEvent
from apps.core.admin.operation_pages import OperationPages
from apps.core.admin.schema_form import ReasonedModelForm, ReasonForm
from apps.core.admin.service_admin import ServiceAdmin
from apps.users.admin.invitation_admin import InvitationAdmin
from apps.users.models import AccountNote, Invitation, User
from tests.integration.backoffice.pages import KEYS, PLANS, USERS, form_errors, only_event, text_of
from tests.support.accounts import colleague, customer, superuser
from tests.support.api_contract import document, operations
from tests.support.factories import make_key, make_plan, make_role, make_user
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows
from tests.support.rights_table import ALL, OTHERS, ROLES, YES, column_of_document
from tests.support.staff_browser import admin_session

pytestmark = pytest.mark.integration

REQUIRED = ["This field is required."]
WHY = "A chargeback"


def test_every_operation_asks_for_a_reason():
    lists = [pages for pages in admin.site._registry.values() if isinstance(pages, OperationPages)]
    forms = {operation.form_class for pages in lists for operation in pages.offered_operations}
    assert len(forms) > 2
    assert [form for form in forms if not issubclass(form, ReasonForm)] == []


def test_every_edit_asks_for_a_reason():
    pages = [each for each in admin.site._registry.values() if isinstance(each, ServiceAdmin)]
    edited = {type(each): each.form for each in pages if type(each).save_model is not ServiceAdmin.save_model}
    assert len(edited) > 4
    del edited[InvitationAdmin]  # which are sent and revoked, and never edited
    assert [form for form in edited.values() if not issubclass(form, ReasonedModelForm)] == []


# Operations of staff that change nothing of a customer's, or that are their own reason.
WITHOUT_REASON = {
    "`POST /api-keys/{key_id}/explain`",  # reads
    "`POST /keys/verify`",
    "`POST /keys/verify-batch`",
    "`POST /oauth/introspect`",  # reads
    "`POST /users/{user_id}/notes`",  # the text of the note says why
}


def _operations_of_staff() -> set[str]:
    """Return what the table of rights lets staff write and customers not, at least not for other accounts."""
    found = set()
    for row in column_of_document("operation", "customer"):
        cells = {column: column_of_document("operation", column)[row] for column in ("customer", *ROLES, "superuser")}
        is_for_customers = cells.pop("customer") in {ALL, YES, OTHERS}
        name = row[: row.index("`", 1) + 1]
        if not (is_for_customers or name.startswith("`GET")) and {ALL, YES, OTHERS} & set(cells.values()):
            found.add(name)
    return found


def test_every_operation_of_staff_at_the_api_takes_a_reason():
    bodies = {
        f"`{each.method} {each.path.removeprefix('/api/v1')}`": json.dumps(each.body) for each in operations().values()
    }
    of_staff = _operations_of_staff()
    assert len(of_staff) > 25
    assert of_staff >= WITHOUT_REASON
    schemas = document()["components"]["schemas"]
    taking = {name for name in of_staff if _takes_reason(schemas, bodies[name])}
    assert of_staff - taking == WITHOUT_REASON


def _takes_reason(schemas: dict[str, Any], body: str) -> bool:
    return any("reason" in schemas[name].get("properties", {}) for name in re.findall(r"schemas/(\w+)", body))


@pytest.mark.parametrize(
    ("operation", "action"),
    [("deactivate", "user.suspended"), ("delete", "user.deleted"), ("send-password-reset", "password.reset_sent")],
)
def test_operation_on_an_account_keeps_its_reason(browser: Client, operation: str, action: str):
    user = make_user()
    page = f"{USERS}{operation}/?id={user.pk}"
    assert form_errors(browser.post(page, {"reason": " "}))["reason"] == REQUIRED
    assert not AuditEvent.objects.exists()
    browser.post(page, {"reason": WHY})
    assert only_event(action=action).reason == WHY


@pytest.mark.parametrize(
    ("operation", "fields", "action"),
    [
        ("revoke", {}, "api_key.revoked"),
        ("rotate", {"grace_seconds": "0"}, "api_key.rotated"),
        ("delete", {}, "api_key.deleted"),
    ],
)
def test_operation_on_a_key_keeps_its_reason(browser: Client, operation: str, fields: dict[str, str], action: str):
    page = f"{KEYS}{operation}/?id={make_key().id}"
    assert form_errors(browser.post(page, {**fields, "reason": ""}))["reason"] == REQUIRED
    assert not AuditEvent.objects.exists()
    browser.post(page, {**fields, "reason": WHY})
    assert only_event(action=action).reason == WHY


def test_ending_the_sessions_of_an_account_keeps_its_reason(browser: Client):
    session = admin_session(make_user())
    browser.post(f"/admin/authentication/session/end_everywhere/?id={session.pk}", {"reason": WHY})
    assert only_event(action="sessions.ended").reason == WHY


def test_edits_keep_their_reasons(browser: Client):
    user, plan, key = make_user(), make_plan(name="gold"), make_key()
    account = {"email": user.email, "username": user.username, "plan": str(user.plan_id), "is_active": "on"}
    pages: list[tuple[str, dict[str, Any], str]] = [
        (f"{USERS}{user.pk}/change/", {**account, "full_name": "Ann"}, "user.updated"),
        (f"{USERS}{user.pk}/change/", {**account, "full_name": "Ann", "plan": str(plan.pk)}, "user.plan_changed"),
        (f"{PLANS}{plan.pk}/change/", {"name": "platinum", "rate_limits": "", "confirmed": "on"}, "plan.updated"),
        (f"{KEYS}{key.id}/change/", {"name": "new", "is_active": "on"}, "api_key.updated"),
        (f"{KEYS}add/", {"user": str(user.pk), "name": "another", "environment": "live"}, "api_key.created"),
    ]
    for page, fields, action in pages:
        assert form_errors(browser.post(page, {**fields, "reason": ""}))["reason"] == REQUIRED
        assert not AuditEvent.objects.filter(action=action).exists()
        assert browser.post(page, {**fields, "reason": WHY}).status_code == 302
        assert only_event(action=action).reason == WHY
    assert "reason" not in only_event(action="api_key.created").after


def test_a_reason_alone_changes_nothing(browser: Client):
    plan = make_plan(name="gold")
    browser.post(f"{PLANS}{plan.pk}/change/", {"name": "gold", "rate_limits": "", "reason": WHY})
    assert not AuditEvent.objects.exists()


def test_owner_of_a_revoked_key_reads_the_message_and_not_the_reason(browser: Client):
    key = make_key()
    browser.post(f"{KEYS}revoke/?id={key.id}", {"reason": WHY, "message": "It was found on a public page."})
    assert ApiKey.objects.get(pk=key.id).revoked_reason == "It was found on a public page."
    assert WHY in text_of(browser.get(f"/admin/audit/auditevent/{only_event(action='api_key.revoked').pk}/change/"))


def test_owner_of_a_deleted_account_reads_the_message_in_the_mail(browser: Client):
    user = make_user()
    browser.post(f"{USERS}delete/?id={user.pk}", {"reason": WHY, "message": "You asked us to <close> it."})
    (letter,) = letters_to(user.email)
    assert "You asked us to <close> it." in letter.text
    assert "You asked us to &lt;close&gt; it." in letter.html
    assert WHY not in letter.text


async def _last_reason() -> str:
    (*_, event) = await rows(AuditEvent.objects.order_by("id"))
    return event.reason


async def test_staff_give_reasons_through_the_api(api: httpx.AsyncClient):
    me, staff = await customer(), await superuser()
    key, plan = await make(make_key, me.user), await make(make_plan, name="gold")
    unused, role = await make(make_plan, name="bronze"), await make(make_role)
    note = await make(AccountNote.objects.create, user=me.user, text="note")
    until = timezone.now() + timedelta(days=1)
    invitation = await make(Invitation.objects.create, email="ann@example.com", expires_at=until)
    given = {"reason": WHY}
    for method, path, body in (
        ("PATCH", f"/users/{me.id}", {"is_active": False}),
        ("PATCH", f"/users/{me.id}", {"is_active": True}),
        ("PATCH", f"/users/{me.id}", {"plan": "gold"}),
        ("PATCH", f"/plans/{plan.pk}", {"api_keys_maximum": 9}),
        ("PATCH", f"/api-keys/{key.id}", {"description": "x"}),
        ("POST", f"/api-keys/{key.id}/rotate", {}),
        ("POST", f"/api-keys/{key.id}/revoke", {}),
        ("DELETE", f"/api-keys/{key.id}", {}),
        ("POST", f"/users/{me.id}/password-reset", {}),
        ("DELETE", f"/users/{me.id}/sessions", {}),
        ("DELETE", f"/users/{me.id}", {"message": "Farewell"}),
        ("POST", f"/users/{me.id}/restore", {}),
        ("DELETE", f"/users/{me.id}/notes/{note.pk}", {}),
        ("POST", f"/invitations/{invitation.pk}/resend", {}),
        ("DELETE", f"/invitations/{invitation.pk}", {}),
        ("POST", "/invitations", {"email": "bob@example.com"}),
        ("POST", "/plans", {"name": "silver"}),
        ("DELETE", f"/plans/{unused.pk}", {}),
        ("POST", "/roles", {"name": "helpers"}),
        ("PATCH", f"/roles/{role.pk}", {"name": "aides"}),
        ("DELETE", f"/roles/{role.pk}", {}),
    ):
        response = await api.request(method, f"/api/v1{path}", json={**body, **given}, headers=staff.headers)
        assert response.status_code < 300, (method, path, response.text)
        assert await _last_reason() == WHY, (method, path)
    found = {event.action for event in await rows(AuditEvent.objects.filter(reason=WHY))}
    assert {"user.suspended", "user.reactivated", "user.plan_changed", "plan.updated"} <= found


async def test_the_owner_is_not_shown_the_reasons_of_staff(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    key = await make(make_key, me.user)
    revoke = {"reason": WHY, "message": "Found on a public page."}
    await api.post(f"/api/v1/api-keys/{key.id}/revoke", json=revoke, headers=staff.headers)
    events = await api.get("/api/v1/auth/events", headers=me.headers)
    shown = await api.get(f"/api/v1/api-keys/{key.id}", headers=me.headers)
    assert ("api_key.revoked" in events.text, WHY in events.text) == (True, False)
    assert shown.json()["revoked_reason"] == "Found on a public page."


async def test_owners_see_their_own_reason(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user)
    revoked = await api.post(f"/api/v1/api-keys/{key.id}/revoke", json={"reason": "leaked"}, headers=me.headers)
    assert revoked.json()["revoked_reason"] == "leaked"


@pytest.mark.parametrize("reason", ["x" * 501, "a\x00b", 7])
async def test_invalid_reason_is_refused_and_changes_nothing(api: httpx.AsyncClient, reason: object):
    me, staff = await customer(), await colleague()
    response = await api.request("DELETE", f"/api/v1/users/{me.id}", json={"reason": reason}, headers=staff.headers)
    assert (response.status_code, response.json()["error"]["details"][0]["field"]) == (422, "reason")
    assert (await rows(User.objects.filter(pk=me.id)))[0].deleted_at is None
