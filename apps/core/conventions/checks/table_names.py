"""keyhouse.E001: table names are declared, plural and snake_case."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db.models import Model

from apps.core.conventions.checks.snake_case import is_snake_case
from apps.core.conventions.own_apps import own_models


def check_table_names(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Report each managed model with a table name that is not declared, or is not plural snake_case."""
    return [error for model in own_models(app_configs) for error in table_name_errors(model)]


def table_name_errors(model: type[Model]) -> list[CheckMessage]:
    """Report the error in one model's table name, if any."""
    meta = model._meta
    if meta.proxy or not meta.managed:
        return []
    if "db_table" not in meta.original_attrs:
        problem = f"{model.__name__} does not declare Meta.db_table."
    elif not is_snake_case(meta.db_table) or not is_plural(meta.db_table):
        problem = f"The table name {meta.db_table!r} is not plural snake_case."
    else:
        return []
    hint = "Set Meta.db_table to a name in plural snake_case, such as 'api_keys'."
    return [Error(problem, hint=hint, obj=model, id="keyhouse.E001")]


def is_plural(name: str) -> bool:
    """Return whether the last word looks plural: it ends in `s` but not in `ss`, unlike `address`."""
    return name.endswith("s") and not name.endswith("ss")
