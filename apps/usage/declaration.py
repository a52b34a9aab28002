"""What this app adds."""

from apps.core.declarations.app_declaration import AppDeclaration, CleanUpTask, PersonalDataDeclaration
from apps.usage.dependencies import usage_personal_data, usage_service

DECLARATION = AppDeclaration(
    personal_data=PersonalDataDeclaration(
        service=usage_personal_data,
        section="usage",
        exported=["usage.UsageEvent"],
        not_erased={
            "usage.UsageEvent": "Proves the charges in the ledger; identifies no person once the account is erased."
        },
    ),
    clean_up_tasks=[
        CleanUpTask(
            "usage_denials",
            "counts of calls that were refused 90 days ago",
            lambda: usage_service().remove_old_denials(),
        )
    ],
)
