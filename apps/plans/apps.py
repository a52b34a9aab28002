"""Registers the room with Django."""

from django.apps import AppConfig


class PlansConfig(AppConfig):
    """Tiers: windows, limits, allowances."""

    name = "apps.plans"
    label = "plans"
    verbose_name = "Plans"
