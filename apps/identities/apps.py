"""Registers the room with Django."""

from django.apps import AppConfig


class IdentitiesConfig(AppConfig):
    """Signing in with other providers: here Keyhouse is the client, and the provider the authorization server."""

    name = "apps.identities"
    label = "identities"
    verbose_name = "Identities"
