"""What this app adds."""

from apps.core.declarations.app_declaration import AppDeclaration, CleanUpTask, Mount, PersonalDataDeclaration
from apps.core.declarations.personal_data import PersonalData
from apps.verification.dependencies import expired_idempotency_records
from apps.verification.routers import verification_router

EXPIRES = "Idempotency records of verifications, which are deleted after a day."

DECLARATION = AppDeclaration(
    mounts=[Mount("/keys", verification_router.router, is_metered=False)],
    personal_data=PersonalDataDeclaration(
        service=PersonalData,
        not_exported={"verification.VerificationAnswer": EXPIRES},
        not_erased={"verification.VerificationAnswer": EXPIRES},
    ),
    clean_up_tasks=[
        CleanUpTask(
            "verification_answers",
            "idempotency records of verifications that are a day old",
            lambda: expired_idempotency_records().run(),
        )
    ],
)
