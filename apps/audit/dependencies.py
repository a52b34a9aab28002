"""Builds this app's services."""

from functools import cache

from apps.audit.repositories.audit_event_repository import AuditEventRepository
from apps.audit.services.account_trail import AccountTrail
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.audit.services.personal_data import AuditPersonalData
from apps.audit.services.security_event_service import SecurityEventService


@cache
def audit_trail() -> AuditTrail:
    """Return the service that records audit events in the caller's transaction."""
    return AuditTrail(AuditEventRepository())


@cache
def account_trail() -> AccountTrail:
    """Return the service that shows staff the trail of an account."""
    return AccountTrail(AuditEventRepository())


@cache
def security_event_service() -> SecurityEventService:
    """Return the service that shows owners the events of their accounts."""
    return SecurityEventService(AuditEventRepository())


@cache
def audit_personal_data() -> AuditPersonalData:
    """Return the service that exports and erases the events of an account."""
    return AuditPersonalData(AuditEventRepository())
