"""Registers the room with Django."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """Accounts."""

    name = "apps.users"
    label = "users"
    verbose_name = "Users"
