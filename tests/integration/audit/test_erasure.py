"""Erasing a deleted account blanks what its audit events say of a person; nothing else of the trail can be changed."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from psycopg.errors import RestrictViolation

from apps.audit.dependencies import audit_personal_data, audit_trail
from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.models import AuditEvent
from apps.core.authorization.principal import ANONYMOUS, OPERATOR, Principal
from apps.core.database.transaction import transaction as service_transaction
from apps.core.event_loop import call_service
from apps.core.request_context import RequestContext, enter_request
from apps.users.models import User
from tests.support.callers import session_of, staff_of
from tests.support.factories import make_user

pytestmark = pytest.mark.usefixtures("database")

PERSONAL: dict[str, Any] = {"email": "ann@example.com", "username": "ann", "full_name": "Ann", "plan_id": 1}
COLLEAGUE = 2**40
UNDECLARED = "webhook_endpoint"  # an entity whose app declares no kind of target


@pytest.fixture(autouse=True)
def _request():
    enter_request(RequestContext("req-1", "203.0.113.9", "phone"))
    yield
    enter_request(RequestContext())


async def record(actor: Principal, user: User, kind: str = "user", reason: str = "", **values: Any) -> None:
    target_id = user.pk if kind == "user" else 7
    async with service_transaction():
        entry = AuditEntry(
            actor, "x.done", kind, target_id, before=values, after=values, subject_id=user.pk, reason=reason
        )
        await audit_trail().record(entry)


async def erase(user: User) -> None:
    async with service_transaction():
        await audit_personal_data().erase(user.pk)


def add(actor: Principal, user: User, kind: str = "user", **values: Any) -> None:
    async def act() -> None:
        await record(actor, user, kind, **values)

    call_service(act)


def only_row() -> dict[str, Any]:
    return dict(AuditEvent.objects.values().get())


def run(user: User, *texts: str) -> None:
    """Run statements in a transaction that says it erases the account."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('keyhouse.erased_account', %s, true)", [str(user.pk)])
        for text in texts:
            cursor.execute(text)


def deleted() -> User:
    return make_user(deleted_at=timezone.now(), is_active=False)


def test_values_that_are_not_plain_are_erased_and_the_rest_stays():
    user = deleted()
    add(session_of(user.pk), user, **PERSONAL)
    before = only_row()
    call_service(erase, user)
    event = only_row()
    assert event["after"] == {"email": "erased", "username": "erased", "full_name": "erased", "plan_id": 1}
    assert event["before"] == event["after"]
    assert (event["ip_address"], event["user_agent"]) == (None, "")
    changed = {"before", "after", "ip_address", "user_agent"}
    assert {name: event[name] for name in event if name not in changed} == {
        name: before[name] for name in before if name not in changed
    }


def test_only_declared_fields_of_each_kind_stay():
    user = deleted()
    key = {"name": "Ann's", "description": "", "revoked_reason": "Ann left", "expires_at": None, "scopes": ["a:b"]}
    add(session_of(user.pk), user, "api_key", **key)
    add(session_of(user.pk), user, "passkey", name="Ann's phone", scopes=["a:b"])
    add(session_of(user.pk), user, "plan", name="gold")
    call_service(erase, user)
    assert [event.after for event in AuditEvent.objects.order_by("id")] == [
        {"name": "erased", "description": "", "revoked_reason": "erased", "expires_at": None, "scopes": ["a:b"]},
        {"name": "erased", "scopes": "erased"},
        {"name": "gold"},
    ]


def test_an_undeclared_kind_keeps_no_value():
    user = deleted()
    values = {"url": "https://ann.example", "email": "ann@example.com", "count": 3, "on": True, "tags": ["ann"]}
    add(session_of(user.pk), user, UNDECLARED, **values, empty="", none=None)
    call_service(erase, user)
    event = AuditEvent.objects.get()
    assert event.after == {**dict.fromkeys(values, "erased"), "empty": "", "none": None}
    assert (event.before, event.action, event.target_id) == (event.after, "x.done", 7)


def test_erasing_again_changes_nothing():
    user = deleted()
    add(session_of(user.pk), user, UNDECLARED, url="https://ann.example")
    call_service(erase, user)
    once = only_row()
    call_service(erase, user)
    assert only_row() == once


def test_workers_of_the_previous_release_still_erase():
    user = deleted()
    add(session_of(user.pk), user, **PERSONAL)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT erase_audit_events(%s)", [user.pk])
    assert AuditEvent.objects.get().after == {**dict.fromkeys(PERSONAL, "erased"), "plan_id": 1}


@pytest.mark.parametrize(
    ("actor", "address"),
    [(ANONYMOUS, None), (staff_of(COLLEAGUE), "203.0.113.9"), (OPERATOR, "203.0.113.9")],
    ids=["anonymous", "staff", "the operator"],
)
def test_addresses_of_others_stay(actor, address):
    user = deleted()
    add(actor, user, **PERSONAL)
    call_service(erase, user)
    event = AuditEvent.objects.get()
    assert (event.ip_address, event.after["email"]) == (address, "erased")


def test_changes_to_other_accounts_keep_their_values_and_lose_the_address():
    user, other = deleted(), make_user()
    add(staff_of(user.pk), other, **PERSONAL)
    call_service(erase, user)
    event = AuditEvent.objects.get()
    assert (event.after, event.ip_address, event.actor_id) == (PERSONAL, None, user.pk)


def test_reasons_about_an_erased_account_are_erased():
    user = deleted()
    add(staff_of(COLLEAGUE), user, reason="Ann asked for it", **PERSONAL)
    call_service(erase, user)
    assert only_row()["reason"] == "erased"


def test_reasons_of_an_erased_member_of_staff_about_others_stay():
    user, other = deleted(), make_user()
    add(staff_of(user.pk), other, reason="A chargeback", **PERSONAL)
    call_service(erase, user)
    assert only_row()["reason"] == "A chargeback"
    with pytest.raises(DatabaseError, match="append-only"):
        run(user, "UPDATE audit_events SET reason = 'erased'")


def test_events_of_others_stay_as_they_are():
    user, other = deleted(), make_user()
    add(session_of(other.pk), other, **PERSONAL)
    before = only_row()
    call_service(erase, user)
    assert only_row() == before


def test_an_account_that_is_not_deleted_is_not_erased():
    user = make_user()
    add(session_of(user.pk), user, **PERSONAL)
    with pytest.raises(RestrictViolation, match="append-only"):
        call_service(erase, user)
    assert AuditEvent.objects.get().after == PERSONAL


@pytest.mark.parametrize(
    "change",
    [
        "action = 'forged'",
        "actor_id = 1",
        "target_id = 1",
        "occurred_at = now()",
        "outcome = 'failure'",
        "ip_address = '192.0.2.1'",
        "user_agent = 'forged'",
        "reason = 'forged'",
        "reason = 'erased'",
        """after = '{"email": "forged"}'""",
        """after = '{}'""",
        """after = '[]'""",
        """after = 'null'""",
        """after = '"erased"'""",
        """after = after || '{"plan_id": 2}'""",
        """after = after || '{"added": "erased"}'""",
        """after = after || '{"note": "erased"}'""",
        """after = after || '{"none": "erased"}'""",
        """after = after || '{"email": ""}'""",
        """after = after || '{"email": null}'""",
        "after = after - 'email'",
        """before = '{"plan_id": 9}'""",
    ],
)
def test_an_erasure_cannot_forge_anything(change):
    user = deleted()
    add(session_of(user.pk), user, **PERSONAL, note="", none=None)
    before = only_row()
    for statement in (f"UPDATE audit_events SET {change}", "DELETE FROM audit_events"):
        with pytest.raises(DatabaseError, match="append-only"):
            run(user, statement)
    assert only_row() == before


def test_an_erasure_cannot_blank_what_was_done_to_others():
    user, other = deleted(), make_user()
    add(staff_of(user.pk), other, **PERSONAL)
    with pytest.raises(DatabaseError, match="append-only"):
        run(user, """UPDATE audit_events SET after = after || '{"email": "erased"}'""")
    assert AuditEvent.objects.get().after == PERSONAL


def test_the_trail_is_append_only_again_in_the_same_transaction():
    user = deleted()
    add(session_of(user.pk), user, **PERSONAL)
    for erasure in (f"SELECT erase_audit_events({user.pk})", f"SELECT erase_audit_events({user.pk}, '{{}}')"):
        with pytest.raises(DatabaseError, match="append-only"):
            run(user, erasure, "UPDATE audit_events SET user_agent = ''")
