"""Writes the audit trail on the calling thread."""

import json
from collections.abc import Mapping, Sequence

from apps.audit.models import AuditEvent
from apps.core.database.transactions import run_statement


class OldAuditEventRepository:
    """The audit trail's rows, in the transaction that is open on the calling thread."""

    def insert(self, event: AuditEvent) -> None:
        """Insert an event."""
        event.save(force_insert=True)

    def erase(self, account_id: int, plain: Mapping[str, Sequence[str]]) -> None:
        """Blank the values of a deleted account's events that are not plain."""
        run_statement("SELECT erase_audit_events(%s, %s::jsonb)", [account_id, json.dumps(plain)])
