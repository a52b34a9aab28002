"""What the audit trail records of a change."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from apps.audit.domain.audit_entry import AuditEntry, values_of
from apps.audit.models import AuditEvent
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import OPERATOR
from apps.core.request_context import NO_REQUEST, RequestContext, enter_request
from tests.support.callers import key_of, session_of
from tests.support.fakes import unsaved_key

pytestmark = pytest.mark.unit


class FakeEvents:
    """The audit trail in memory."""

    def __init__(self) -> None:
        self.inserted: list[AuditEvent] = []

    async def insert(self, event: AuditEvent) -> None:
        self.inserted.append(event)


async def record(entry: AuditEntry, request: RequestContext = NO_REQUEST) -> AuditEvent:
    """Return the event that the entry becomes within the request."""
    events: Any = FakeEvents()
    enter_request(request)
    try:
        await AuditTrail(events).record(entry)
    finally:
        enter_request(NO_REQUEST)
    (event,) = events.inserted
    found: AuditEvent = event
    return found


@pytest.mark.parametrize(
    ("actor", "actor_id", "kind"),
    [(session_of(3), 3, "session"), (key_of(4), 4, "api_key"), (OPERATOR, None, "operator")],
)
async def test_records_actor_action_and_target(actor, actor_id, kind):
    event = await record(AuditEntry(actor, "thing.done", "thing", 9))
    assert (event.actor_id, event.actor_kind) == (actor_id, kind)
    assert (event.action, event.target_kind, event.target_id) == ("thing.done", "thing", 9)
    assert (event.before, event.after) == ({}, {})


async def test_records_address_and_request_id():
    event = await record(AuditEntry(OPERATOR, "a", "b"), RequestContext("req-1", "2001:db8::1", "agent"))
    assert (event.ip_address, event.user_agent, event.request_id) == ("2001:db8::1", "agent", "req-1")


async def test_outside_a_request_there_is_neither():
    event = await record(AuditEntry(OPERATOR, "a", "b"))
    assert (event.ip_address, event.request_id) == (None, "")


async def test_values_are_recorded_as_json():
    moment = datetime(2027, 1, 2, tzinfo=UTC)
    before = {"at": moment, "amount": Decimal("1.50"), "scopes": ["a"], "none": None, "nested": {"a": [1]}}
    event = await record(AuditEntry(OPERATOR, "a", "b", before=before, after={"flag": True}))
    assert json.loads(json.dumps(event.before)) == {
        "at": "2027-01-02T00:00:00+00:00",
        "amount": "1.50",
        "scopes": ["a"],
        "none": None,
        "nested": {"a": [1]},
    }
    assert event.after == {"flag": True}


def test_values_of_a_row_are_taken_by_name():
    assert values_of(unsaved_key(scopes=["a"]), ["scopes", "name"]) == {"scopes": ["a"], "name": "key"}


async def test_records_the_reason():
    assert (await record(AuditEntry(OPERATOR, "a", "b", reason="A chargeback"))).reason == "A chargeback"
