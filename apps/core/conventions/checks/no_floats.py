"""keyhouse.E006: no field is a float."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db.models import Field, FloatField, Model

from apps.core.conventions.own_apps import own_models


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
