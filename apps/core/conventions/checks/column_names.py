"""keyhouse.E004: column names are snake_case."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db.models import Model

from apps.core.conventions.checks.snake_case import is_snake_case
from apps.core.conventions.own_apps import own_models


def check_column_names(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Report each column with a name that is not snake_case."""
    return [error for model in own_models(app_configs) for error in column_name_errors(model)]


def column_name_errors(model: type[Model]) -> list[CheckMessage]:
    """Report the model's columns with names that are not snake_case."""
    return [
        Error(
            f"The column name {field.column!r} is not snake_case.",
            hint="Rename the field or set its db_column.",
            obj=field,
            id="keyhouse.E004",
        )
        for field in model._meta.local_concrete_fields
        if not is_snake_case(str(field.column))
    ]
