"""What anonymous clients cause is deleted from the audit trail after ATTEMPT_RETENTION_DAYS; everything else stays."""

import io
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from apps.audit.models import AuditEvent
from apps.audit.models.audit_event import ATTEMPTS
from apps.audit.repositories.audit_event_repository import SQL, AuditEventRepository
from tests.integration.config.test_public_operations import REQUESTS, public_operations
from tests.support.accounts import customer
from tests.support.factories import PASSWORD, make_key, make_user
from tests.support.orm import make, rows

DAY = timedelta(days=1)
FAILED = ("password.refused", "account.locked", "client.refused", "second_factor.refused", "identity.refused")
EVENTS = [*((action, "failure") for action in FAILED), ("password.reset_asked", "success")]
LASTING = [("session.reuse_detected", "failure"), ("session.started", "success"), ("api_key.created", "success")]


def event(action: str, outcome: str, age: timedelta, **fields: Any) -> AuditEvent:
    return AuditEvent.objects.create(
        action=action, outcome=outcome, occurred_at=Now() - age, actor_kind="session", target_kind="user", **fields
    )


def clean_up() -> int:
    """Run the command, and return how many attempts it has deleted."""
    out = io.StringIO()
    call_command("clean_up", "--json", stdout=out)
    return int(json.loads(out.getvalue())["audit_attempts"])


def actions() -> list[str]:
    return sorted(AuditEvent.objects.values_list("action", flat=True))


@pytest.mark.parametrize(("action", "outcome"), EVENTS)
def test_attempt_is_deleted_when_it_is_old(database, settings, action: str, outcome: str):
    settings.ATTEMPT_RETENTION_DAYS = 7
    event(action, outcome, 8 * DAY)
    kept = event(action, outcome, 6 * DAY)
    assert clean_up() == 1
    assert AuditEvent.objects.get() == kept


@pytest.mark.parametrize(("action", "outcome"), LASTING)
def test_change_is_never_deleted(database, settings, action: str, outcome: str):
    settings.ATTEMPT_RETENTION_DAYS = 1
    event(action, outcome, 4000 * DAY)
    assert clean_up() == 0
    with pytest.raises(DatabaseError, match="audit_events is append-only"), transaction.atomic():
        AuditEvent.objects.all().delete()
    assert actions() == [action]


def test_attempts_are_kept_for_90_days_by_default(database, settings):
    assert settings.ATTEMPT_RETENTION_DAYS == 90
    for age in (89, 91):
        event("password.refused", "failure", age * DAY)
    assert clean_up() == 1


def test_attempt_of_the_last_day_cannot_be_deleted(database):
    event("password.refused", "failure", DAY - timedelta(minutes=1))
    with pytest.raises(DatabaseError, match="audit_events is append-only"), transaction.atomic():
        connection.cursor().execute("DELETE FROM audit_events")
    assert actions() == ["password.refused"]


def test_old_attempt_cannot_be_changed(database):
    event("password.refused", "failure", 100 * DAY)
    with pytest.raises(DatabaseError, match="audit_events is append-only"), transaction.atomic():
        AuditEvent.objects.update(occurred_at=Now())


async def test_attempts_are_deleted_in_batches(database):
    for _ in range(5):
        await make(event, "password.refused", "failure", 100 * DAY)
    deleted = [await AuditEventRepository().delete_attempts(90, 2) for _ in range(4)]
    assert deleted == [2, 2, 1, 0]


def test_index_finds_old_attempts_among_many_events(database):
    fields: dict[str, Any] = {"actor_kind": "session", "target_kind": "user", "occurred_at": Now() - 100 * DAY}
    AuditEvent.objects.bulk_create(
        AuditEvent(action="session.started", outcome="success" if number else "failure", **fields)
        for number in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE audit_events")
        # As Keyhouse's pool plans it: without the values of the parameters.
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        prepared = SQL["delete_attempts"].replace("%(days)s", "$1").replace("%(maximum)s", "$2")
        cursor.execute(f"PREPARE delete_attempts (int, bigint) AS {prepared}")
        cursor.execute("EXPLAIN EXECUTE delete_attempts (90, 1000)")
        plan = str(cursor.fetchall())
        cursor.execute("DEALLOCATE delete_attempts")
    assert "audit_events_attempts" in plan
    assert "Seq Scan on audit_events" not in plan


@pytest.mark.parametrize("name", sorted(REQUESTS.keys() - {"create_user"}))
async def test_no_anonymous_request_leaves_a_lasting_event(api: httpx.AsyncClient, name: str):
    await make(make_user, email="ann@example.com")
    method, path = public_operations()[name]
    await api.request(method, path.replace("{provider}", "acme"), **REQUESTS[name])
    assert await rows(AuditEvent.objects.exclude(ATTEMPTS)) == []


async def test_attempts_against_an_account_leave_no_lasting_event(api: httpx.AsyncClient):
    ann, suspended = await customer(), await make(make_user, is_active=False)
    revoked = await make(make_key, user=ann.user, is_active=False)
    for email, password in ((ann.user.email, "wrong"), ("nobody@example.com", "wrong"), (suspended.email, PASSWORD)):
        for _ in range(6):
            await api.post("/api/v1/auth/login", json={"email": email, "password": password})
    for email in (ann.user.email, "nobody@example.com"):
        assert (await api.post("/api/v1/auth/forgot-password", json={"email": email})).status_code == 202
    client = {"grant_type": "client_credentials", "client_id": str(revoked.row.pk), "client_secret": revoked.secret}
    assert (await api.post("/api/v1/oauth/token", data=client)).status_code == 401
    caused = {event.action for event in await rows(AuditEvent.objects.all())}
    assert caused == {"password.refused", "account.locked", "password.reset_asked", "client.refused"}
    assert await rows(AuditEvent.objects.exclude(ATTEMPTS)) == []
