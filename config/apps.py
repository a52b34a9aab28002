"""The app configurations of the project itself and of the admin."""

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as CheckWarning
from django.utils.module_loading import module_has_submodule

from apps.core.conventions.own_apps import own_apps
from apps.core.event_loop import call_service


class KeyhouseConfig(AppConfig):
    """The project, which composes the apps."""

    name = "config"
    label = "config"
    verbose_name = "Keyhouse"

    def ready(self) -> None:
        """Register the check of the database, which `manage.py check --database default` and `migrate` run."""
        register(_check_record_triggers, Tags.database)


class KeyhouseAdminConfig(SimpleAdminConfig):
    """Django's admin with Keyhouse's site.

    Only `config.urls` and Django's checks import its pages, so that other commands start in half the time.
    """

    default_site = "apps.backoffice.admin.keyhouse_admin_site.KeyhouseAdminSite"

    def ready(self) -> None:
        """Register Django's checks of the admin, with pages imported first."""
        register(check_dependencies, Tags.admin)
        register(_check_pages, Tags.admin)


def discover_admin_pages() -> None:
    """Import every module in the `admin` package of each app, which registers its pages."""
    for config in own_apps():
        if module_has_submodule(config.module, "admin"):
            package = import_module(f"{config.name}.admin")
            for module in iter_modules(package.__path__, f"{package.__name__}."):
                import_module(module.name)


def _check_pages(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    discover_admin_pages()
    messages: list[CheckMessage] = check_admin_app(app_configs, **options)
    return messages


def _check_record_triggers(*, databases: Sequence[str] | None = None, **_options: Any) -> list[CheckMessage]:
    if "default" not in (databases or ()):
        return []
    problems = call_service(import_module("apps.verification.dependencies").record_triggers().problems)
    return [CheckWarning(problem, hint=advice, id="keyhouse.W001") for problem, advice in problems.items()]
