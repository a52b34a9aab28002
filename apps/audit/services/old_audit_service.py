"""The audit trail, for apps that still write on threads."""

from typing import Any

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.repositories.old_audit_event_repository import OldAuditEventRepository
from apps.audit.services.in_transaction.audit_trail import audit_event
from apps.audit.services.personal_data import AuditPersonalData, plain_values
from apps.core.database.transactions import run_in_transaction


class AuditService:
    """Records audit events in the calling thread's transaction, and erases those of a deleted account."""

    def __init__(self, events: OldAuditEventRepository, personal_data: AuditPersonalData) -> None:
        self._events = events
        self._personal_data = personal_data

    def record(self, entry: AuditEntry) -> None:
        """Record the entry in the transaction that is open on the calling thread."""
        self._events.insert(audit_event(entry))

    async def note(self, entry: AuditEntry) -> None:
        """Record the entry in a transaction of its own."""
        await run_in_transaction(self.record, entry)

    async def export(self, user_id: int) -> Any:
        """Return the newest events that concern the account. It is an `ExportPersonalData`."""
        return await self._personal_data.export(user_id)

    def erase(self, user_id: int) -> None:
        """Erase as `AuditPersonalData` does, in the calling thread's transaction. It is an `ErasePersonalData`."""
        self._events.erase(user_id, plain_values())
