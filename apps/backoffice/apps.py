"""Registers the room with Django."""

from django.apps import AppConfig


class BackofficeConfig(AppConfig):
    """The staff door."""

    name = "apps.backoffice"
    label = "backoffice"
    verbose_name = "Back office"
