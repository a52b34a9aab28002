"""Registers the room with Django."""

from django.apps import AppConfig


class OAuthConfig(AppConfig):
    """OAuth 2.0, as a server."""

    name = "apps.oauth"
    label = "oauth"
    verbose_name = "OAuth"
