"""Builds this room's services."""

from functools import cache

from apps.audit.repositories.audit_event_repository import AuditEventRepository
from apps.audit.services.audit_service import AuditService


@cache
def audit_service() -> AuditService:
    """Return the audit service."""
    return AuditService(AuditEventRepository())
