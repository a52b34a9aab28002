"""The declaration of the plans app."""

from apps.core.declarations import AppDeclaration, AuditKind, MenuEntry, Mount
from apps.plans.routers import plan_router
from apps.plans.services.plan_service import AUDITED

DECLARATION = AppDeclaration(
    mounts=[Mount("/plans", plan_router.router)],
    menu=[MenuEntry("Plans", "plans.Plan")],
    audit_kinds=[AuditKind("plan", "Plan", frozenset(AUDITED))],
)
