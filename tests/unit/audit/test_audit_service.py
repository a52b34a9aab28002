"""What is remembered of a change."""

import json
from contextvars import copy_context
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.audit_service import AuditService
from apps.core.authorization.principal import OPERATOR
from apps.core.request_context import NO_REQUEST, RequestContext, enter_request
from tests.support.callers import key_of, session_of

pytestmark = pytest.mark.unit


class FakeEvents:
    """The audit trail in memory."""

    def __init__(self) -> None:
        self.added: list[dict[str, Any]] = []

    def add(self, **fields: Any) -> None:
        self.added.append(fields)


def record(entry: AuditEntry, request: RequestContext = NO_REQUEST) -> dict[str, Any]:
    """Return the event that the entry becomes within the request."""
    events: Any = FakeEvents()

    def within() -> None:
        enter_request(request)
        AuditService(events).record(entry)

    copy_context().run(within)
    (event,) = events.added
    return dict(event)


@pytest.mark.parametrize(
    ("actor", "actor_id", "kind"),
    [(session_of(3), 3, "session"), (key_of(4), 4, "api_key"), (OPERATOR, None, "operator")],
)
def test_says_who_did_what_to_what(actor, actor_id, kind):
    event = record(AuditEntry(actor, "thing.done", "thing", 9))
    assert (event["actor_id"], event["actor_kind"]) == (actor_id, kind)
    assert (event["action"], event["target_kind"], event["target_id"]) == ("thing.done", "thing", 9)
    assert (event["before"], event["after"]) == ({}, {})


def test_says_from_where_and_in_which_request():
    event = record(AuditEntry(OPERATOR, "a", "b"), RequestContext("req-1", "2001:db8::1", "agent"))
    assert (event["ip_address"], event["request_id"]) == ("2001:db8::1", "req-1")


def test_outside_a_request_there_is_neither():
    event = record(AuditEntry(OPERATOR, "a", "b"))
    assert (event["ip_address"], event["request_id"]) == (None, "")


def test_keeps_values_as_json_can():
    moment = datetime(2027, 1, 2, tzinfo=UTC)
    before = {"at": moment, "amount": Decimal("1.50"), "scopes": ["a"], "none": None, "nested": {"a": [1]}}
    event = record(AuditEntry(OPERATOR, "a", "b", before=before, after={"flag": True}))
    assert json.loads(json.dumps(event["before"])) == {
        "at": "2027-01-02T00:00:00+00:00",
        "amount": "1.50",
        "scopes": ["a"],
        "none": None,
        "nested": {"a": [1]},
    }
    assert event["after"] == {"flag": True}
