"""Registers the room with Django."""

from django.apps import AppConfig


class UsageConfig(AppConfig):
    """What was used."""

    name = "apps.usage"
    label = "usage"
    verbose_name = "Usage"
