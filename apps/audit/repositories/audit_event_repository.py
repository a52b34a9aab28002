"""Writes and reads the audit trail."""

from typing import Any

from django.db import connection

from apps.audit.models import AuditEvent
from apps.core.database.open_transaction import require_transaction
from apps.core.database.orm.queries import count, fetch_all
from apps.core.database.orm.writes import insert


class AuditEventRepository:
    """The audit trail's rows."""

    async def insert(self, event: AuditEvent) -> None:
        """Insert an event, as part of a transaction."""
        require_transaction("record an audit event")
        await insert(event)

    def add(self, **fields: Any) -> AuditEvent:
        """Insert an event in the transaction that is open on the calling thread."""
        return AuditEvent.objects.create(**fields)

    def erase(self, account_id: int) -> None:
        """Take out what tells whose a deleted account was, in the transaction that is open on the calling thread."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT erase_audit_events(%s)", [account_id])

    async def page(self, subject_id: int, *, offset: int, size: int) -> tuple[list[AuditEvent], int]:
        """Return one page of the events that concern the account, newest first, and how many there are in all."""
        found = AuditEvent.objects.filter(subject_id=subject_id).order_by("-id")
        return await fetch_all(found[offset : offset + size]), await count(found)
