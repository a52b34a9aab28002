"""The declaration of the core app."""

from apps.core.declarations import AppDeclaration, Mount
from apps.core.routers import health_router, scope_router

DECLARATION = AppDeclaration(
    mounts=[
        Mount("", health_router.router, at_root=True),
        Mount("/scopes", scope_router.router),
    ],
)
