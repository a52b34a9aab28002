"""The database itself refuses to rewrite the audit trail."""

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audit.dependencies import audit_service
from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.models import AuditEvent
from apps.core.authorization.principal import OPERATOR
from tests.support.factories import make_user

pytestmark = pytest.mark.usefixtures("database")

UPSERT = """
INSERT INTO audit_events (id, actor_kind, action, target_kind, before, after, request_id)
SELECT id, 'x', 'x', 'x', '{}', '{}', '' FROM audit_events
ON CONFLICT (id) DO UPDATE SET action = 'forged'
"""
REWRITES = [
    "UPDATE audit_events SET action = 'forged'",
    "UPDATE audit_events SET action = 'forged' WHERE false",
    "DELETE FROM audit_events",
    "DELETE FROM audit_events WHERE id = 0",
    "TRUNCATE audit_events",
    "TRUNCATE audit_events CASCADE",
    UPSERT,
    "MERGE INTO audit_events USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
]


@pytest.fixture
def event():
    audit_service().record(AuditEntry(OPERATOR, "thing.done", "thing", 9, before={"a": 1}, after={"a": 2}))
    return AuditEvent.objects.get()


@pytest.mark.parametrize("statement", REWRITES)
def test_refuses(event, statement):
    with pytest.raises(DatabaseError, match="audit_events is append-only"), transaction.atomic():
        connection.cursor().execute(statement)
    assert AuditEvent.objects.values().get() == {name: value for name, value in vars(event).items() if name != "_state"}


def test_refuses_django_too(event):
    event.action = "forged"
    for rewrite in (event.save, event.delete, AuditEvent.objects.all().delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            rewrite()
    assert [found.action for found in AuditEvent.objects.all()] == ["thing.done"]


def test_takes_more(event):
    audit_service().record(AuditEntry(OPERATOR, "thing.undone", "thing", 9))
    assert [found.action for found in AuditEvent.objects.all()] == ["thing.undone", "thing.done"]
    assert event.occurred_at is not None


def test_neither_the_change_nor_the_event_is_without_the_other():
    def change_and_fail() -> None:
        user = make_user()
        audit_service().record(AuditEntry(OPERATOR, "user.made", "user", user.pk))
        raise LookupError

    with pytest.raises(LookupError), transaction.atomic():
        change_and_fail()
    assert AuditEvent.objects.count() == 0
