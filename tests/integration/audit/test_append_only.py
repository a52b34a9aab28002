"""The database itself refuses to rewrite the audit trail."""

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audit.dependencies import audit_trail
from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.models import AuditEvent
from apps.core.authorization.principal import OPERATOR
from apps.core.database.open_transaction import NoTransaction
from apps.core.database.orm.writes import insert
from apps.core.database.transaction import transaction as service_transaction
from apps.core.event_loop import call_service
from apps.plans.models import Plan
from tests.support.orm import rows

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
    "TRUNCATE audit_events",
    "TRUNCATE audit_events CASCADE",
    UPSERT,
    "MERGE INTO audit_events USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM audit_events RETURNING 1) SELECT * FROM gone",
]


async def record(entry: AuditEntry) -> None:
    async with service_transaction():
        await audit_trail().record(entry)


@pytest.fixture
def event():
    call_service(record, AuditEntry(OPERATOR, "thing.done", "thing", 9, before={"a": 1}, after={"a": 2}))
    return AuditEvent.objects.get()


@pytest.mark.parametrize("statement", REWRITES)
def test_rewriting_is_refused(event, statement):
    with pytest.raises(DatabaseError, match="audit_events is append-only"), transaction.atomic():
        connection.cursor().execute(statement)
    assert AuditEvent.objects.values().get() == {name: value for name, value in vars(event).items() if name != "_state"}


def test_rewriting_by_django_is_refused(event):
    event.action = "forged"
    for rewrite in (event.save, event.delete, AuditEvent.objects.all().delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            rewrite()
    assert [found.action for found in AuditEvent.objects.all()] == ["thing.done"]


def test_more_events_are_recorded(event):
    call_service(record, AuditEntry(OPERATOR, "thing.undone", "thing", 9))
    assert [found.action for found in AuditEvent.objects.all()] == ["thing.undone", "thing.done"]
    assert event.occurred_at is not None


async def test_a_change_and_its_event_are_rolled_back_together():
    async def change_and_fail() -> None:
        async with service_transaction():
            await insert(Plan(name="gold"))
            await audit_trail().record(AuditEntry(OPERATOR, "plan.created", "plan"))
            raise LookupError

    with pytest.raises(LookupError):
        await change_and_fail()
    assert await rows(AuditEvent.objects.all()) == []
    assert await rows(Plan.objects.filter(name="gold")) == []


async def test_an_event_is_recorded_inside_a_transaction_only():
    with pytest.raises(NoTransaction):
        await audit_trail().record(AuditEntry(OPERATOR, "plan.created", "plan"))
