"""Registers the room with Django."""

from django.apps import AppConfig


class MailConfig(AppConfig):
    """Letters, and their way out of the house."""

    name = "apps.mail"
    label = "mail"
    verbose_name = "Mail"
