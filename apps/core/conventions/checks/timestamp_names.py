"""keyhouse.E005: timestamp names end in `_at`, or in `_until` for the end of a period."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db.models import DateTimeField, Field, Model

from apps.core.conventions.own_apps import OWN_PACKAGE, own_models

SUFFIXES = ("_at", "_until")


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
        if isinstance(field, DateTimeField) and not field.name.endswith(SUFFIXES) and not is_inherited(model, field)
    ]


def is_inherited(model: type[Model], field: "Field[Any, Any]") -> bool:
    """Return whether the model inherits this field from a library's base class, such as `last_login` from Django's."""
    bases = (base for base in model.__mro__[1:] if hasattr(base, "_meta"))
    libraries = (base for base in bases if not base.__module__.startswith(OWN_PACKAGE))
    return any(field.name == inherited.name for base in libraries for inherited in base._meta.local_fields)
