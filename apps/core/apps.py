"""The core app. It registers the checks of the project's conventions, and has two tables of its own."""

from typing import override

from django.apps import AppConfig
from django.core.checks import register

from apps.core.conventions.checks import CONVENTION_CHECKS

CHECK_TAG = "conventions"


class CoreConfig(AppConfig):
    """Code that every app uses."""

    name = "apps.core"
    label = "core"
    verbose_name = "Core"

    @override
    def ready(self) -> None:
        """Register the convention checks with `manage.py check`; `check --tag conventions` runs them alone."""
        for check in CONVENTION_CHECKS:
            register(check, CHECK_TAG)
