"""The audit trail loses whose a deleted account was, and nothing else can be taken out of it."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.audit.dependencies import audit_service
from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.models import AuditEvent
from apps.core.authorization.principal import ANONYMOUS, OPERATOR, Principal
from apps.core.request_context import RequestContext, enter_request
from apps.users.models import User
from tests.support.callers import session_of, staff_of
from tests.support.factories import make_user

pytestmark = pytest.mark.usefixtures("database")

PERSONAL: dict[str, Any] = {"email": "ann@example.com", "username": "ann", "full_name": "Ann", "plan_id": 1}
COLLEAGUE = 2**40


@pytest.fixture(autouse=True)
def _request():
    enter_request(RequestContext("req-1", "203.0.113.9", "phone"))
    yield
    enter_request(RequestContext())


def record(actor: Principal, user: User, kind: str = "user", **values: Any) -> int:
    target_id = user.pk if kind == "user" else 7
    audit_service().record(AuditEntry(actor, "x.done", kind, target_id, after=values, subject_id=user.pk))
    return AuditEvent.objects.latest("id").pk


def only_row() -> dict[str, Any]:
    return dict(AuditEvent.objects.values().get())


def run(user: User, *texts: str) -> None:
    """Run statements in a transaction that says it erases the account."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('keyhouse.erased_account', %s, true)", [str(user.pk)])
        for text in texts:
            cursor.execute(text)


def erase(user: User) -> None:
    with transaction.atomic():
        audit_service().erase(user.pk)


def deleted() -> User:
    return make_user(deleted_at=timezone.now(), is_active=False)


def test_takes_out_names_and_addresses_and_leaves_the_rest():
    user = deleted()
    record(session_of(user.pk), user, **PERSONAL)
    before = only_row()
    erase(user)
    event = only_row()
    assert event["after"] == {"email": "erased", "username": "erased", "full_name": "erased", "plan_id": 1}
    assert (event["ip_address"], event["user_agent"]) == (None, "")
    kept = {"after", "ip_address", "user_agent"}
    assert {name: event[name] for name in event if name not in kept} == {
        name: before[name] for name in before if name not in kept
    }


def test_takes_out_the_words_of_keys_and_passkeys_and_no_plan_s_name():
    user = deleted()
    record(session_of(user.pk), user, "api_key", name="Ann's", description="", revoked_reason="Ann left")
    record(session_of(user.pk), user, "passkey", name="Ann's phone", aaguid="0")
    record(session_of(user.pk), user, "plan", name="gold")
    erase(user)
    assert [event.after for event in AuditEvent.objects.order_by("id")] == [
        {"name": "erased", "description": "", "revoked_reason": "erased"},
        {"name": "erased", "aaguid": "0"},
        {"name": "gold"},
    ]


@pytest.mark.parametrize(
    ("actor", "address"),
    [(ANONYMOUS, None), (staff_of(COLLEAGUE), "203.0.113.9"), (OPERATOR, "203.0.113.9")],
    ids=["somebody unknown", "staff", "the operator"],
)
def test_from_where_others_did_it_stays(actor, address):
    user = deleted()
    record(actor, user, **PERSONAL)
    erase(user)
    event = AuditEvent.objects.get()
    assert (event.ip_address, event.after["email"]) == (address, "erased")


def test_what_one_did_to_others_keeps_its_values_and_not_from_where():
    user, other = deleted(), make_user()
    record(staff_of(user.pk), other, **PERSONAL)
    erase(user)
    event = AuditEvent.objects.get()
    assert (event.after, event.ip_address, event.actor_id) == (PERSONAL, None, user.pk)


def test_what_concerns_others_stays_as_it_is():
    user, other = deleted(), make_user()
    record(session_of(other.pk), other, **PERSONAL)
    before = only_row()
    erase(user)
    assert only_row() == before


def test_an_account_that_is_not_deleted_is_not_erased():
    user = make_user()
    record(session_of(user.pk), user, **PERSONAL)
    with pytest.raises(DatabaseError, match="append-only"):
        erase(user)
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
        """after = '{"email": "forged"}'""",
        """after = '{}'""",
        """before = '{"plan_id": 9}'""",
    ],
)
def test_nobody_forges_anything_under_the_name_of_an_erasure(change):
    user = deleted()
    record(session_of(user.pk), user, **PERSONAL)
    before = only_row()
    for statement in (f"UPDATE audit_events SET {change}", "DELETE FROM audit_events"):
        with pytest.raises(DatabaseError, match="append-only"):
            run(user, statement)
    assert only_row() == before


def test_the_door_is_shut_again_in_the_same_transaction():
    user = deleted()
    record(session_of(user.pk), user, **PERSONAL)
    with pytest.raises(DatabaseError, match="append-only"):
        run(user, f"SELECT erase_audit_events({user.pk})", "UPDATE audit_events SET user_agent = ''")
