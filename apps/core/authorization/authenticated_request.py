"""A request whose caller is known."""

from django.http import HttpRequest

from apps.core.authorization.principal import Principal


class AuthenticatedRequest(HttpRequest):
    """What routers behind the global authenticator are given."""

    auth: Principal
