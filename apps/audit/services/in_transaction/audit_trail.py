"""Records audit events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.models import AuditEvent
from apps.audit.repositories.audit_event_repository import AuditEventRepository
from apps.core.request_context import current_request

EVENTS_MAXIMUM = 1000  # in one statement, which has up to 65,535 parameters


class AuditTrail:
    """Records audit events in the caller's transaction: the event and the change are committed together."""

    def __init__(self, events: AuditEventRepository) -> None:
        self._events = events

    async def record(self, entry: AuditEntry) -> None:
        """Record the entry, with the address, agent and id of the current request."""
        await self._events.insert(audit_event(entry))

    async def record_all(self, entries: Sequence[AuditEntry]) -> None:
        """Record the entries as `record` does, a thousand in one statement."""
        for start in range(0, len(entries), EVENTS_MAXIMUM):
            await self._events.insert_all([audit_event(each) for each in entries[start : start + EVENTS_MAXIMUM]])


def audit_event(entry: AuditEntry) -> AuditEvent:
    """Return the event for the entry, with the address, agent and id of the current request."""
    request = current_request()
    return AuditEvent(
        actor_id=entry.actor.user_id,
        actor_kind=entry.actor.kind,
        subject_id=entry.account_id,
        action=entry.action,
        outcome=entry.outcome,
        target_kind=entry.target_kind,
        target_id=entry.target_id,
        reason=entry.reason or entry.actor.reason,
        before=_json_values(entry.before),
        after=_json_values(entry.after),
        ip_address=request.client_address,
        user_agent=request.user_agent,
        request_id=request.request_id,
    )


def _json_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _json_value(value) for name, value in values.items()}


def _json_value(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case Decimal():
            return str(value)
        case _:
            return value
