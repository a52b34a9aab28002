"""keyhouse.E004: a column's name is snake_case."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db.models import Model

from apps.core.conventions.checks.snake_case import is_snake_case
from apps.core.conventions.own_apps import own_models


def check_column_names(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Report each column that is not named in snake_case."""
    return [error for model in own_models(app_configs) for error in column_name_errors(model)]


def column_name_errors(model: type[Model]) -> list[CheckMessage]:
    """Report a model's columns that are not named in snake_case."""
    return [
        Error(
            f"The column {field.column!r} is not named in snake_case.",
            hint="Rename the field, or set its db_column.",
            obj=field,
            id="keyhouse.E004",
        )
        for field in model._meta.local_concrete_fields
        if not is_snake_case(str(field.column))
    ]
