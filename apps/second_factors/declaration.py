"""What this app adds."""

from apps.core.declarations.app_declaration import (
    AccountLink,
    AppDeclaration,
    AuditKind,
    CleanUpTask,
    MenuEntry,
    Mount,
)
from apps.second_factors.dependencies import attempt_clean_up
from apps.second_factors.routers import second_factor_router

DECLARATION = AppDeclaration(
    mounts=[
        Mount("/auth", second_factor_router.router),
        Mount("/users", second_factor_router.user_router),
    ],
    menu=[
        MenuEntry("Signing in", "second_factors.Passkey", position=20),
        MenuEntry("Signing in", "second_factors.TotpDevice", position=30),
    ],
    account_links=[
        AccountLink(
            "Signing in",
            "Passkeys",
            "second_factors_passkey_changelist",
            ["second_factors.view_passkey"],
            parameter="user__id__exact",
        ),
        AccountLink(
            "Signing in",
            "Authenticator",
            "second_factors_totpdevice_changelist",
            ["second_factors.view_totpdevice"],
            parameter="user__id__exact",
        ),
    ],
    audit_kinds=[AuditKind("passkey", "Passkey", frozenset({"kind"}))],
    clean_up_tasks=[
        CleanUpTask(
            "second_factor_attempts",
            "counts of wrong codes that no longer lock anyone out",
            lambda: attempt_clean_up().run(),
        )
    ],
)
