"""The declaration of the one_time_tokens app."""

from apps.core.background.clean_up import in_batches
from apps.core.declarations import AppDeclaration, CleanUpTask, PersonalDataDeclaration
from apps.one_time_tokens.dependencies import token_personal_data
from apps.one_time_tokens.repositories.one_time_token_repository import OneTimeTokenRepository

DECLARATION = AppDeclaration(
    personal_data=PersonalDataDeclaration(
        service=token_personal_data,
        erased=["one_time_tokens.OneTimeToken"],
        not_exported={"one_time_tokens.OneTimeToken": "Digests of links and challenges that expire within days."},
    ),
    clean_up_tasks=[
        CleanUpTask(
            "one_time_tokens",
            "one-time tokens that expired a day ago",
            in_batches(OneTimeTokenRepository().remove_expired),
        )
    ],
)
