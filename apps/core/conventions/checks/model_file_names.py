"""keyhouse.E003: a model's file is in `models/` and named after the model."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db.models import Model

from apps.core.conventions.checks.snake_case import to_snake_case
from apps.core.conventions.own_apps import OWN_PACKAGE, own_models


def check_model_file_names(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Report each model in a file that is not named after it."""
    return [error for model in own_models(app_configs) for error in model_file_errors(model)]


def model_file_errors(model: type[Model]) -> list[CheckMessage]:
    """Report a model that is not defined in `<its app>.models.<its name in snake_case>`."""
    expected = f"{OWN_PACKAGE}{model._meta.app_label}.models.{to_snake_case(model.__name__)}"
    if model.__module__ == expected:
        return []
    problem = f"{model.__name__} is defined in {model.__module__}."
    return [Error(problem, hint=f"Move it to {expected}.", obj=model, id="keyhouse.E003")]
