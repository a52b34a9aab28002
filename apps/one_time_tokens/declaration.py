"""What this app adds."""

from apps.core.declarations.app_declaration import AppDeclaration, CleanUpTask
from apps.one_time_tokens.dependencies import token_clean_up

DECLARATION = AppDeclaration(
    clean_up_tasks=[
        CleanUpTask("one_time_tokens", "one-time tokens that expired a day ago", lambda: token_clean_up().run())
    ],
)
