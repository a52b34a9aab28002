"""Builds this room's services."""

from functools import cache

from apps.audit.repositories.audit_event_repository import AuditEventRepository
from apps.audit.services.audit_service import AuditService
from apps.audit.services.in_transaction.audit_trail import AuditTrail


@cache
def audit_trail() -> AuditTrail:
    """Return what records audit events in the caller's transaction."""
    return AuditTrail(AuditEventRepository())


@cache
def audit_service() -> AuditService:
    """Return the audit service."""
    return AuditService(AuditEventRepository())
