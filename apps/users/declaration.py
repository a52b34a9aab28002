"""The declaration of the users app."""

from apps.core.background.clean_up import in_batches
from apps.core.declarations import (
    AppDeclaration,
    AuditKind,
    CleanUpTask,
    MenuEntry,
    Mount,
    PersonalDataDeclaration,
)
from apps.users.dependencies import users_personal_data
from apps.users.repositories.pending_registration_repository import PendingRegistrationRepository
from apps.users.routers import email_router, invitation_router, note_router, role_router, user_router

PLAIN_OF_USERS = frozenset(
    {
        # of accounts and their roles
        "plan_id", "is_active", "is_staff", "roles", "deleted_at", "federated",
        # of signing in and second factors
        "methods", "code", "kind", "everywhere", "session_ids", "locks_out",
        # of postings of credits
        "type", "amount", "balance", "transaction_id", "approval_id", "requested_by_id",
    }
)  # fmt: skip

DECLARATION = AppDeclaration(
    mounts=[
        Mount("/auth", email_router.router),
        Mount("/invitations", invitation_router.router),
        Mount("/users", user_router.router),
        Mount("/users", note_router.router),
        Mount("/roles", role_router.router),
    ],
    menu=[
        MenuEntry("Customers", "users.User"),
        MenuEntry("Staff", "users.StaffMember", label="People", position=10),
        MenuEntry("Staff", "users.Role", position=20),
        MenuEntry("Staff", "users.Invitation", position=30),
    ],
    audit_kinds=[
        AuditKind("user", "User", PLAIN_OF_USERS),
        AuditKind("account_note", "Note", frozenset({"author_id"}), is_internal=True),
        AuditKind("invitation", "Invitation", frozenset({"plan_id"})),
        # The operator chooses the names of roles and plans, so they are not personal data.
        AuditKind("role", "Role", frozenset({"name", "scopes", "permissions"})),
    ],
    personal_data=PersonalDataDeclaration(
        service=users_personal_data,
        erased=["users.AccountNote", "users.Invitation"],
        not_exported={
            "users.AccountNote": "Internal, and may name third parties: whoever answers a request for access reads the "
            "notes on the customer's page and decides what to hand over.",
            "users.Invitation": "Its address and plan became those of the account, which apps/personal_data exports.",
            "users.User_groups": "The export of the account names its roles.",
            "users.User_user_permissions": "Nothing writes permissions of single accounts; roles carry them.",
        },
        not_erased={
            "users.User_groups": "A role contains no personal data. Deleted accounts keep theirs, unused.",
            "users.User_user_permissions": "Nothing writes permissions of single accounts; roles carry them.",
        },
    ),
    clean_up_tasks=[
        CleanUpTask(
            "pending_registrations",
            "sign-ups that were not confirmed within two days",
            in_batches(PendingRegistrationRepository().delete_expired),
        )
    ],
)
