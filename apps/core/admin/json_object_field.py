"""A form field for a JSON object."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput


class JsonObjectField(forms.JSONField):
    """Accepts a JSON object. Empty input is the empty object.

    Unlike Django's field, it reports a validation error, instead of raising another exception, for text that is nested
    too deeply and for numbers that are too long for Python's parser.
    """

    def __init__(self, **options: Any) -> None:
        attributes = {"rows": 6, "class": "vLargeTextField code", "spellcheck": "false"}
        super().__init__(**{"widget": forms.Textarea(attributes), "required": False, **options})

    def to_python(self, value: Any) -> Any:
        """Return the object."""
        try:
            return super().to_python(value) or {}
        except (ValueError, RecursionError) as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": value}) from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return the submitted value to display again; invalid JSON stays as it was submitted."""
        try:
            return super().bound_data(data, initial)
        except (ValueError, RecursionError):
            return InvalidJSONInput(data)

    def prepare_value(self, value: Any) -> Any:
        """Return the object as text, which is empty for an empty object."""
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2) if value else ""
