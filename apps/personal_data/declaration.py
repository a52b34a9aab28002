"""The declaration of the personal_data app."""

from apps.core.declarations import AppDeclaration, CleanUpTask, Mount
from apps.personal_data.dependencies import erasure
from apps.personal_data.routers import data_export_router

DECLARATION = AppDeclaration(
    mounts=[Mount("/users", data_export_router.router)],
    clean_up_tasks=[
        CleanUpTask(
            "erased_accounts",
            "the personal data of accounts that were deleted ERASE_AFTER_DAYS ago",
            lambda: erasure().run(),
        )
    ],
)
