"""keyhouse.E002: each file defines one model."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db.models import Model

from apps.core.conventions.own_apps import own_models


def check_one_model_a_file(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Report each module that defines more than one model."""
    return shared_file_errors(own_models(app_configs))


def shared_file_errors(models: Iterable[type[Model]]) -> list[CheckMessage]:
    """Report the modules that define more than one of these models."""
    by_module: dict[str, list[str]] = defaultdict(list)
    for model in models:
        by_module[model.__module__].append(model.__name__)
    return [
        Error(
            f"{module} defines {len(names)} models: {', '.join(sorted(names))}.",
            hint="Move each model to its own file in models/, named after the model.",
            id="keyhouse.E002",
        )
        for module, names in sorted(by_module.items())
        if len(names) > 1
    ]
