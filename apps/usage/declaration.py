"""What this app adds."""

from apps.core.declarations.app_declaration import AppDeclaration, CleanUpTask
from apps.usage.dependencies import usage_service

DECLARATION = AppDeclaration(
    clean_up_tasks=[
        CleanUpTask(
            "usage_denials", "counts of refused calls, 90 days after them", lambda: usage_service().remove_old_denials()
        )
    ],
)
