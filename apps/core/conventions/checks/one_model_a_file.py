"""keyhouse.E002: one model a file."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db.models import Model

from apps.core.conventions.own_apps import own_models


def check_one_model_a_file(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Report each module that defines several models."""
    return shared_file_errors(own_models(app_configs))


def shared_file_errors(models: Iterable[type[Model]]) -> list[CheckMessage]:
    """Report the modules in which more than one of these models is defined."""
    by_module: dict[str, list[str]] = defaultdict(list)
    for model in models:
        by_module[model.__module__].append(model.__name__)
    return [
        Error(
            f"{module} defines {len(names)} models: {', '.join(sorted(names))}.",
            hint="Give each model a file of its own in models/, named after it.",
            id="keyhouse.E002",
        )
        for module, names in sorted(by_module.items())
        if len(names) > 1
    ]
