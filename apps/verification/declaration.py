"""The declaration of the verification app."""

from apps.core.background.clean_up import in_batches
from apps.core.declarations import AppDeclaration, CleanUpTask, Mount, PersonalData, PersonalDataDeclaration
from apps.verification.repositories.idempotency_repository import IdempotencyRepository
from apps.verification.repositories.record_changes import RecordChangeRepository
from apps.verification.routers import key_explanation_router, usage_router, verification_router

DELETED_AFTER_A_DAY = "Idempotency records of verifications, which are deleted after a day."

DECLARATION = AppDeclaration(
    mounts=[
        Mount("/keys", verification_router.router, is_metered=False),
        Mount("/api-keys", key_explanation_router.router),
        Mount("/usage", usage_router.router),
    ],
    personal_data=PersonalDataDeclaration(
        service=PersonalData,
        not_exported={"verification.VerificationAnswer": DELETED_AFTER_A_DAY},
        not_erased={"verification.VerificationAnswer": DELETED_AFTER_A_DAY},
    ),
    clean_up_tasks=[
        CleanUpTask(
            "verification_answers",
            "idempotency records of verifications that are a day old",
            in_batches(IdempotencyRepository().remove_old),
        ),
        CleanUpTask(
            "record_changes",
            "notes of changes to keys, accounts, roles and plans that are an hour old",
            in_batches(RecordChangeRepository().remove_old),
        ),
    ],
)
