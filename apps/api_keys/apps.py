"""Registers the room with Django."""

from django.apps import AppConfig


class ApiKeysConfig(AppConfig):
    """Keys and their secrets."""

    name = "apps.api_keys"
    label = "api_keys"
    verbose_name = "API keys"
