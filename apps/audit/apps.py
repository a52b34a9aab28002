"""Registers the room with Django."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Who did what."""

    name = "apps.audit"
    label = "audit"
    verbose_name = "Audit"
