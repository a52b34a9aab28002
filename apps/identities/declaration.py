"""The declaration of the identities app."""

from apps.core.declarations import (
    AccountLink,
    AppDeclaration,
    AuditKind,
    MenuEntry,
    Mount,
    PersonalDataDeclaration,
)
from apps.identities.dependencies import personal_data
from apps.identities.routers import identity_router, provider_router

DECLARATION = AppDeclaration(
    mounts=[
        Mount("/auth", identity_router.router),
        Mount("/auth/oauth", provider_router.router),
        Mount("/users", identity_router.user_router),
    ],
    menu=[MenuEntry("Signing in", "identities.Identity", position=40)],
    account_links=[AccountLink("Signing in", "Identities", "identities.Identity")],
    # The provider is a name that the operator has configured.
    audit_kinds=[AuditKind("identity", "Identity", frozenset({"provider"}))],
    personal_data=PersonalDataDeclaration(
        service=personal_data,
        section="identities",
        exported=["identities.Identity"],
        erased=["identities.Identity"],
    ),
)
