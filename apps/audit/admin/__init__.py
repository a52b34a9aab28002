"""The audit trail's admin pages."""

from apps.audit.admin.audit_event_admin import AuditEventAdmin

__all__ = ["AuditEventAdmin"]
