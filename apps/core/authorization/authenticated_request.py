"""The type of authenticated requests."""

from django.http import HttpRequest

from apps.core.authorization.principal import Principal


class AuthenticatedRequest(HttpRequest):
    """A request that the global authenticator has authenticated."""

    auth: Principal
