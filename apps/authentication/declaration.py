"""What this app adds."""

from apps.authentication.dependencies import session_clean_up
from apps.authentication.routers import (
    authentication_router,
    key_set_router,
    password_reset_router,
    second_step_router,
    step_up_router,
    user_session_router,
)
from apps.core.declarations.app_declaration import (
    AccountLink,
    AppDeclaration,
    AuditKind,
    CleanUpTask,
    MenuEntry,
    Mount,
)

DECLARATION = AppDeclaration(
    mounts=[
        Mount("", key_set_router.router, at_root=True),
        Mount("/auth", authentication_router.router),
        Mount("/auth", second_step_router.router),
        Mount("/auth", step_up_router.router),
        Mount("/auth", password_reset_router.router),
        Mount("/users", password_reset_router.user_router),
        Mount("/users", user_session_router.router),
    ],
    menu=[MenuEntry("Signing in", "authentication.Session", position=10)],
    account_links=[
        AccountLink(
            "Signing in",
            "Sessions",
            "authentication_session_changelist",
            ["authentication.view_session", "authentication.change_session"],
            parameter="user__id__exact",
        )
    ],
    audit_kinds=[
        AuditKind("session", "Session", frozenset({"methods", "kind"})),
        AuditKind("signing_key", "Signing key", frozenset({"kid", "is_compromised"})),
    ],
    clean_up_tasks=[
        CleanUpTask(
            "login_attempts",
            "counts of wrong passwords that no longer lock anyone out",
            lambda: session_clean_up().login_attempts(),
        ),
        CleanUpTask("sessions", "sessions that ended 90 days ago", lambda: session_clean_up().sessions()),
        CleanUpTask("signing_keys", "signing keys that retired 30 days ago", lambda: session_clean_up().signing_keys()),
        CleanUpTask(
            "admin_sessions", "expired browser sessions of the admin", lambda: session_clean_up().admin_sessions()
        ),
    ],
)
