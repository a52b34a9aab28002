"""What this app adds."""

from apps.core.declarations.app_declaration import AppDeclaration, AuditKind, CleanUpTask, MenuEntry, Mount
from apps.users.dependencies import confirmed_registration
from apps.users.routers import email_router, invitation_router, role_router, user_router

DECLARATION = AppDeclaration(
    mounts=[
        Mount("/auth", email_router.router),
        Mount("/invitations", invitation_router.router),
        Mount("/users", user_router.router),
        Mount("/roles", role_router.router),
    ],
    menu=[
        MenuEntry("Customers", "users.User", position=10),
        MenuEntry("Customers", "users.Invitation", position=20),
        MenuEntry("Customers", "users.Role", position=30),
    ],
    audit_kinds=[
        AuditKind(
            "user",
            "User",
            frozenset(
                {
                    "plan_id",
                    "is_active",
                    "is_staff",
                    "roles",
                    "deleted_at",
                    "federated",
                    "methods",
                    "code",
                    "reason",
                    "kind",
                    "everywhere",
                    "session_ids",
                    "locks_out",
                    "type",
                    "amount",
                    "balance",
                    "reference_id",
                    "transaction_id",
                }
            ),
        ),
        AuditKind("invitation", "Invitation", frozenset({"plan_id"})),
        AuditKind("role", "Role", frozenset({"name", "scopes", "permissions"})),
    ],
    clean_up_tasks=[
        CleanUpTask(
            "pending_registrations",
            "sign-ups that were not confirmed within two days",
            lambda: confirmed_registration().delete_expired(),
        )
    ],
)
