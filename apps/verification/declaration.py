"""What this app adds."""

from apps.core.declarations.app_declaration import AppDeclaration, CleanUpTask, Mount
from apps.verification.dependencies import answer_clean_up
from apps.verification.routers import verification_router

DECLARATION = AppDeclaration(
    mounts=[Mount("/keys", verification_router.router, is_metered=False)],
    clean_up_tasks=[
        CleanUpTask(
            "verification_answers",
            "stored responses to verifications with a request id, a day after them",
            lambda: answer_clean_up().run(),
        )
    ],
)
