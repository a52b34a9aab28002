"""The declaration of the audit app."""

from apps.audit.dependencies import audit_personal_data
from apps.audit.routers import security_event_router
from apps.core.declarations import (
    AccountLink,
    AppDeclaration,
    MenuEntry,
    Mount,
    PersonalDataDeclaration,
)

DECLARATION = AppDeclaration(
    mounts=[Mount("/auth", security_event_router.router)],
    menu=[MenuEntry("Records", "audit.AuditEvent", position=10)],
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
)
