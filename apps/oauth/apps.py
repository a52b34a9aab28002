"""Registers the room with Django."""

from django.apps import AppConfig


class OAuthConfig(AppConfig):
    """OAuth 2.0 with Keyhouse as the authorization server: tokens for API keys, which are the clients."""

    name = "apps.oauth"
    label = "oauth"
    verbose_name = "OAuth"
