"""The declaration of the second_factors app."""

from apps.core.background.clean_up import in_batches
from apps.core.declarations import (
    AccountLink,
    AppDeclaration,
    AuditKind,
    CleanUpTask,
    EncryptedField,
    Mount,
    PersonalDataDeclaration,
)
from apps.second_factors.dependencies import personal_data
from apps.second_factors.repositories.factor_attempt_repository import FactorAttemptRepository
from apps.second_factors.routers import second_factor_router
from apps.second_factors.services.codes import PURPOSE

DECLARATION = AppDeclaration(
    mounts=[
        Mount("/auth", second_factor_router.router),
        Mount("/users", second_factor_router.user_router),
    ],
    account_links=[
        AccountLink("Signing in", "Passkeys", "second_factors.Passkey"),
        AccountLink("Signing in", "Authenticator app", "second_factors.TotpDevice"),
    ],
    # The name is the owner's text, and the AAGUID the model of the owner's device.
    audit_kinds=[AuditKind("passkey", "Passkey", frozenset({"kind"}))],
    personal_data=PersonalDataDeclaration(
        service=personal_data,
        section="second_factors",
        exported=["second_factors.Passkey", "second_factors.RecoveryCode", "second_factors.TotpDevice"],
        erased=[
            "second_factors.FactorAttempt",
            "second_factors.Passkey",
            "second_factors.RecoveryCode",
            "second_factors.TotpDevice",
        ],
        not_exported={
            "second_factors.FactorAttempt": "A counter that slows guessing and is deleted after two days; the refused "
            "codes themselves are in security_events."
        },
    ),
    encrypted_fields=[EncryptedField("second_factors.TotpDevice", "secret_encrypted", PURPOSE)],
    clean_up_tasks=[
        CleanUpTask(
            "second_factor_attempts",
            "counts of wrong codes that no longer lock anyone out",
            in_batches(FactorAttemptRepository().delete_expired),
        )
    ],
)
