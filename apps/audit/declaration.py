"""The declaration of the audit app."""

from django.conf import settings

from apps.audit.dependencies import audit_personal_data
from apps.audit.repositories.audit_event_repository import AuditEventRepository
from apps.audit.routers import security_event_router
from apps.core.background.clean_up import in_batches
from apps.core.declarations import (
    AccountLink,
    AppDeclaration,
    CleanUpTask,
    MenuEntry,
    Mount,
    PersonalDataDeclaration,
)


async def _delete_attempts(maximum: int) -> int:
    return await AuditEventRepository().delete_attempts(settings.ATTEMPT_RETENTION_DAYS, maximum)


DECLARATION = AppDeclaration(
    mounts=[Mount("/auth", security_event_router.router)],
    menu=[MenuEntry("Security", "audit.AuditEvent", position=30)],
    account_links=[
        AccountLink("Records", "Events of the account", "audit.AuditEvent", parameter="subject_id"),
        AccountLink("Records", "Events by the account", "audit.AuditEvent", parameter="actor_id"),
    ],
    personal_data=PersonalDataDeclaration(
        service=audit_personal_data,
        section="security_events",
        exported=["audit.AuditEvent"],
        erased=["audit.AuditEvent"],
    ),
    clean_up_tasks=[
        CleanUpTask(
            "audit_attempts",
            "audit events of failed attempts, and of requests for a password reset, ATTEMPT_RETENTION_DAYS ago",
            in_batches(_delete_attempts),
        )
    ],
)
