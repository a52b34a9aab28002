"""keyhouse.E005: a timestamp's name ends in `_at`, or in `_until` where it is an end."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db.models import DateTimeField, Field, Model

from apps.core.conventions.own_apps import OWN_PACKAGE, own_models

SUFFIXES = ("_at", "_until")


def check_timestamp_names(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Report each DateTimeField of ours whose name does not say that it is a moment."""
    return [error for model in own_models(app_configs) for error in timestamp_name_errors(model)]


def timestamp_name_errors(model: type[Model]) -> list[CheckMessage]:
    """Report a model's timestamps not named as moments; what a library named is not ours to judge."""
    return [
        Error(
            f"The timestamp {field.name!r} does not end in '_at' or '_until'.",
            hint=f"Name the moment: {field.name}_at, or the verb in the past, such as 'revoked_at'.",
            obj=field,
            id="keyhouse.E005",
        )
        for field in model._meta.local_fields
        if isinstance(field, DateTimeField) and not field.name.endswith(SUFFIXES) and not is_inherited(model, field)
    ]


def is_inherited(model: type[Model], field: "Field[Any, Any]") -> bool:
    """Say whether a library's base class gave the model this field, as Django's gives `last_login`."""
    bases = (base for base in model.__mro__[1:] if hasattr(base, "_meta"))
    libraries = (base for base in bases if not base.__module__.startswith(OWN_PACKAGE))
    return any(field.name == inherited.name for base in libraries for inherited in base._meta.local_fields)
