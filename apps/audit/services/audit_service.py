"""Remembers who did what."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.audit.repositories.audit_event_repository import AuditEventRepository
from apps.core.request_context import current_request
from apps.core.security.audit_entry import AuditEntry


class AuditService:
    """Writes audit events beside the changes they tell of."""

    def __init__(self, events: AuditEventRepository) -> None:
        self._events = events

    def record(self, entry: AuditEntry) -> None:
        """Write the entry in the transaction that is open on the calling thread: neither is without the other."""
        request = current_request()
        self._events.add(
            actor_id=entry.actor.user_id,
            actor_kind=entry.actor.kind,
            action=entry.action,
            target_kind=entry.target_kind,
            target_id=entry.target_id,
            before=_plain(entry.before),
            after=_plain(entry.after),
            ip_address=request.client_address,
            request_id=request.request_id,
        )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case Decimal():
            return str(value)
        case _:
            return value
