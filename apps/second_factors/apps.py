"""Registers this room with Django."""

from django.apps import AppConfig


class SecondFactorsConfig(AppConfig):
    """What people prove themselves with beside a password, or instead of one."""

    name = "apps.second_factors"
    label = "second_factors"
    verbose_name = "Second factors"
