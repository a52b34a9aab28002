"""Registers the composition with Django, for its management commands."""

from django.apps import AppConfig


class KeyhouseConfig(AppConfig):
    """The composition of the house."""

    name = "config"
    label = "config"
    verbose_name = "Keyhouse"
