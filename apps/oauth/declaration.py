"""The declaration of the oauth app."""

from apps.core.background.clean_up import in_batches
from apps.core.declarations import AppDeclaration, CleanUpTask, Mount
from apps.oauth.repositories.revoked_token_repository import RevokedTokenRepository
from apps.oauth.routers import oauth_router

DECLARATION = AppDeclaration(
    mounts=[
        Mount("", oauth_router.metadata_router, at_root=True),
        Mount("/oauth", oauth_router.router),
    ],
    clean_up_tasks=[
        CleanUpTask(
            "revoked_tokens",
            "revoked access tokens that expired an hour ago",
            in_batches(RevokedTokenRepository().delete_expired),
        )
    ],
)
