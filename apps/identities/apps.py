"""Registers the room with Django."""

from django.apps import AppConfig


class IdentitiesConfig(AppConfig):
    """Signing in with other providers."""

    name = "apps.identities"
    label = "identities"
    verbose_name = "Identities"
