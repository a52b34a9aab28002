"""The checks of models: their files, tables, columns and fields."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db.models import DateTimeField, Field, FloatField, Model

from apps.core.conventions.own_apps import OWN_PACKAGE, own_models

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
TIMESTAMP_SUFFIXES = ("_at", "_until")


def is_snake_case(name: str) -> bool:
    """Return whether a name consists of lower-case words joined by single underscores."""
    return SNAKE_CASE.fullmatch(name) is not None


def to_snake_case(class_name: str) -> str:
    """Convert a class name to snake_case, such as ApiKeySecret to api_key_secret; OAuth counts as one word."""
    return WORD_BOUNDARY.sub("_", class_name.replace("OAuth", "Oauth")).lower()


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


def check_timestamp_names(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Report each DateTimeField of Keyhouse's models without one of the suffixes."""
    return [error for model in own_models(app_configs) for error in timestamp_name_errors(model)]


def timestamp_name_errors(model: type[Model]) -> list[CheckMessage]:
    """Report the model's timestamps without one of the suffixes, except fields inherited from a library."""
    return [
        Error(
            f"The timestamp {field.name!r} does not end in '_at' or '_until'.",
            hint=f"Rename the field to '{field.name}_at', or to a past participle such as 'revoked_at'.",
            obj=field,
            id="keyhouse.E005",
        )
        for field in model._meta.local_fields
        if isinstance(field, DateTimeField)
        and not field.name.endswith(TIMESTAMP_SUFFIXES)
        and not is_inherited(model, field)
    ]


def is_inherited(model: type[Model], field: "Field[Any, Any]") -> bool:
    """Return whether the model inherits this field from a library's base class, such as `last_login` from Django's."""
    bases = (base for base in model.__mro__[1:] if hasattr(base, "_meta"))
    libraries = (base for base in bases if not base.__module__.startswith(OWN_PACKAGE))
    return any(field.name == inherited.name for base in libraries for inherited in base._meta.local_fields)


def check_no_floats(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Report each FloatField: a sum of floats depends on the order of the additions."""
    return [error for model in own_models(app_configs) for error in float_errors(model)]


def float_errors(model: type[Model]) -> list[CheckMessage]:
    """Report the model's fields that hold floats."""
    return [
        Error(
            f"The field {field.name!r} is a float, which cannot represent 0.1 exactly.",
            hint="Use DecimalField for amounts, and an integer of the smallest unit for durations and sizes.",
            obj=field,
            id="keyhouse.E006",
        )
        for field in model._meta.local_fields
        if holds_floats(field)
    ]


def holds_floats(field: "Field[Any, Any] | None") -> bool:
    """Return whether a field holds floats, directly or as the elements of an array."""
    if field is None:
        return False
    return isinstance(field, FloatField) or holds_floats(getattr(field, "base_field", None))


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
