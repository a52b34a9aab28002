"""The declaration of the identities app."""

from apps.core.declarations import AppDeclaration, Mount, OwnedEntity
from apps.identities.repositories.identity_repository import IdentityRepository
from apps.identities.routers import identity_router, provider_router
from apps.identities.schemas.identity import IdentityOut

DECLARATION = AppDeclaration(
    mounts=[
        Mount("/auth", identity_router.router),
        Mount("/auth/oauth", provider_router.router),
        Mount("/users", identity_router.user_router),
    ],
    # The provider is a name that the operator has configured.
    entities=[OwnedEntity(IdentityRepository(), IdentityOut, "Signing in", plain=["provider"])],
)
