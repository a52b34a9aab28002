"""Registers the room with Django."""

from django.apps import AppConfig


class CreditsConfig(AppConfig):
    """Balances."""

    name = "apps.credits"
    label = "credits"
    verbose_name = "Credits"
