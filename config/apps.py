"""Registers the composition with Django, for its management commands."""

from django.apps import AppConfig


class KeyhouseConfig(AppConfig):
    """The composition of the apps."""

    name = "config"
    label = "config"
    verbose_name = "Keyhouse"
