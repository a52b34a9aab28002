"""Writes the audit trail."""

from typing import Any

from apps.audit.models import AuditEvent


class AuditEventRepository:
    """The audit trail's rows."""

    def add(self, **fields: Any) -> AuditEvent:
        """Insert an event in the transaction that is open on the calling thread."""
        return AuditEvent.objects.create(**fields)
