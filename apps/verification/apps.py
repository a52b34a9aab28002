"""Registers the room with Django."""

from django.apps import AppConfig


class VerificationConfig(AppConfig):
    """The decision."""

    name = "apps.verification"
    label = "verification"
    verbose_name = "Verification"
