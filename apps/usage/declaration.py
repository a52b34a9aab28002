"""The declaration of the usage app."""

from apps.core.background.clean_up import in_batches
from apps.core.declarations import AppDeclaration, CleanUpTask, PersonalDataDeclaration
from apps.usage.dependencies import usage_personal_data
from apps.usage.repositories.usage_denial_repository import UsageDenialRepository

DECLARATION = AppDeclaration(
    personal_data=PersonalDataDeclaration(
        service=usage_personal_data,
        section="usage",
        exported=["usage.UsageEvent", "usage.UsageBatch", "usage.UsageRecord"],
        not_erased={
            "usage.UsageEvent": "Proves the charges in the ledger; identifies no person once the account is erased.",
            "usage.UsageBatch": "Becomes usage events and ledger entries within seconds.",
            "usage.UsageRecord": "A view of usage.",
        },
    ),
    clean_up_tasks=[
        CleanUpTask(
            "usage_denials",
            "counts of calls that were refused 90 days ago",
            in_batches(UsageDenialRepository().remove_old),
        )
    ],
)
