"""What this app adds."""

from apps.core.declarations.app_declaration import AppDeclaration, CleanUpTask, PersonalDataDeclaration
from apps.one_time_tokens.dependencies import expired_tokens, token_personal_data

DECLARATION = AppDeclaration(
    personal_data=PersonalDataDeclaration(
        service=token_personal_data,
        erased=["one_time_tokens.OneTimeToken"],
        not_exported={"one_time_tokens.OneTimeToken": "Digests of links and challenges that expire within days."},
    ),
    clean_up_tasks=[
        CleanUpTask("one_time_tokens", "one-time tokens that expired a day ago", lambda: expired_tokens().run())
    ],
)
