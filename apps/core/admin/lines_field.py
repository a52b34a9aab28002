"""A form field for a list, one item per line."""

from typing import Any

from django import forms


class LinesField(forms.CharField):
    """Accepts a list of strings in a text area. Ignores blank lines and whitespace around an item."""

    widget = forms.Textarea

    def __init__(self, **options: Any) -> None:
        attributes = {"rows": 4, "class": "vLargeTextField lines", "spellcheck": "false"}
        super().__init__(**{"widget": forms.Textarea(attributes), "required": False, **options})

    def to_python(self, value: Any) -> Any:
        """Return the items."""
        lines = value if isinstance(value, list) else (value or "").splitlines()
        return [line.strip() for line in lines if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        """Return the items as text."""
        return "\n".join(value) if isinstance(value, list) else value

    def run_validators(self, value: Any) -> None:
        """Validate each item, for example for NUL characters."""
        for line in value:
            super().run_validators(line)
