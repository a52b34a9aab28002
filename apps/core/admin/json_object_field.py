"""A JSON object, written as text."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput


class JsonObjectField(forms.JSONField):
    """Takes a JSON object; nothing at all is the empty one.

    Unlike Django's field it also refuses, instead of failing on, text that is nested too deep and numbers that are
    too long for Python's parser.
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
        """Return what is shown again of what was written."""
        try:
            return super().bound_data(data, initial)
        except (ValueError, RecursionError):
            return InvalidJSONInput(data)

    def prepare_value(self, value: Any) -> Any:
        """Return the text for the object, empty for an empty one."""
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2) if value else ""
