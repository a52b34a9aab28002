"""What this app adds."""

from apps.core.declarations.app_declaration import AppDeclaration, CleanUpTask, Mount
from apps.oauth.dependencies import revocation
from apps.oauth.routers import oauth_router

DECLARATION = AppDeclaration(
    mounts=[
        Mount("", oauth_router.metadata_router, at_root=True),
        Mount("/oauth", oauth_router.router),
    ],
    clean_up_tasks=[
        CleanUpTask(
            "revoked_tokens", "revoked access tokens that expired an hour ago", lambda: revocation().delete_expired()
        )
    ],
)
