"""The core app: of tables only the counters of limits per address; it registers the checks of the house rules."""

from typing import override

from django.apps import AppConfig
from django.core.checks import register

from apps.core.conventions.checks import CONVENTION_CHECKS

CHECK_TAG = "house"


class CoreConfig(AppConfig):
    """What every room stands on."""

    name = "apps.core"
    label = "core"
    verbose_name = "Core"

    @override
    def ready(self) -> None:
        """Make `manage.py check` (alone: `check --tag house`) report each breach of the house rules."""
        for check in CONVENTION_CHECKS:
            register(check, CHECK_TAG)
