"""The declaration of the authentication app."""

from apps.authentication.dependencies import authentication_personal_data, lockouts
from apps.authentication.repositories.clean_up_repository import CleanUpRepository
from apps.authentication.routers import authentication_router, key_set_router, password_router, session_router
from apps.authentication.services.signing_keys import ENCRYPTION_PURPOSE
from apps.core.background.clean_up import in_batches
from apps.core.declarations import (
    AccountLink,
    AppDeclaration,
    AuditKind,
    CleanUpTask,
    EncryptedField,
    MenuEntry,
    Mount,
    PersonalDataDeclaration,
)

CLEAN_UP = CleanUpRepository()

DECLARATION = AppDeclaration(
    mounts=[
        Mount("", key_set_router.router, at_root=True),
        Mount("/auth", authentication_router.router),
        Mount("/auth", session_router.router),
        Mount("/auth", password_router.router),
        Mount("/users", session_router.user_router),
        Mount("/users", password_router.user_router),
    ],
    menu=[MenuEntry("Security", "authentication.Session", position=10)],
    account_links=[AccountLink("Signing in", "Sessions", "authentication.Session")],
    audit_kinds=[
        AuditKind("session", "Session", frozenset({"methods", "kind"})),
        AuditKind("signing_key", "Signing key", frozenset({"kid", "algorithm", "is_compromised"})),
    ],
    personal_data=PersonalDataDeclaration(
        service=authentication_personal_data,
        section="sessions",
        exported=["authentication.Session"],
        erased=["authentication.Session"],
    ),
    locked_accounts=lambda accounts: lockouts().ends(accounts),
    encrypted_fields=[EncryptedField("authentication.SigningKey", "private_key_encrypted", ENCRYPTION_PURPOSE)],
    clean_up_tasks=[
        CleanUpTask(
            "login_attempts",
            "counts of wrong passwords that no longer lock out or remember a client",
            in_batches(CLEAN_UP.delete_login_attempts),
        ),
        CleanUpTask("sessions", "sessions that ended 90 days ago", in_batches(CLEAN_UP.delete_sessions)),
        CleanUpTask("signing_keys", "signing keys that retired 30 days ago", in_batches(CLEAN_UP.delete_signing_keys)),
        CleanUpTask(
            "admin_sessions",
            "expired browser sessions of the admin",
            in_batches(CLEAN_UP.delete_admin_sessions),
        ),
    ],
)
