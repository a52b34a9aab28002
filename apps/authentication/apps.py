"""Registers the room with Django."""

from django.apps import AppConfig


class AuthenticationConfig(AppConfig):
    """Credentials in, Principal out."""

    name = "apps.authentication"
    label = "authentication"
    verbose_name = "Authentication"
