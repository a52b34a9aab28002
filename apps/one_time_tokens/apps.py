"""Registers this room with Django."""

from django.apps import AppConfig


class OneTimeTokensConfig(AppConfig):
    """Secrets that are good once and not for long."""

    name = "apps.one_time_tokens"
    label = "one_time_tokens"
