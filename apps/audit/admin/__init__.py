"""The admin pages of the audit trail."""

from apps.audit.admin.audit_event_admin import AuditEventAdmin

__all__ = ["AuditEventAdmin"]
