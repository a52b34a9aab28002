"""What goes out about the audit trail."""

from apps.audit.schemas.security_event_out import Actor, SecurityEventOut

__all__ = ["Actor", "SecurityEventOut"]
