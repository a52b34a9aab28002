"""Form fields for the features and prices of a plan: a name and a value on each line."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError

from apps.core.admin.form_fields import LinesField
from apps.core.values.amounts import exact_amount

FEATURES_HELP = (
    "What the plan entitles to, one per line: a name, and true, false or a number, such as “exports true” or “seats "
    "5”. Every verification returns them."
)
PRICES_HELP = (
    "One per line: an operation and the credits for a unit of it, such as “resize 0.05”. A verification that names an "
    "operation without a price is refused."
)
WORDS = {"true": True, "false": False}

_whole = re.compile(r"-?[0-9]{1,16}", re.ASCII)
_number = re.compile(r"-?[0-9]{1,16}\.[0-9]{1,16}", re.ASCII)


class PairsField(LinesField):
    """Accepts lines of a name and a value, as a dictionary."""

    def to_python(self, value: Any) -> Any:
        """Return the values by name. Raises ValidationError with every line that is no pair, or repeats a name."""
        if isinstance(value, dict):
            return value
        pairs: dict[str, Any] = {}
        errors = []
        for number, line in enumerate(super().to_python(value), 1):
            name, _, text = (part.strip() for part in line.partition(" "))
            if not text or name in pairs:
                errors.append(f"Line {number}: {'Enter a name and a value.' if not text else 'The name is repeated.'}")
            pairs[name] = self.value_of(text)
        if errors:
            raise ValidationError(errors)
        return pairs

    def value_of(self, text: str) -> Any:
        """Return the value that the text stands for."""
        return text

    def text_of(self, value: Any) -> str:
        """Return the text of a value."""
        return str(value)

    def prepare_value(self, value: Any) -> Any:
        """Return the pairs as text."""
        return "\n".join(lines_of(self, value)) if isinstance(value, dict) else value

    def run_validators(self, value: Any) -> None:
        """Do nothing: the schema validates names and values."""


class FeaturesField(PairsField):
    """Accepts features such as `seats 5`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"label": "Features", "help_text": FEATURES_HELP, **options})

    def value_of(self, text: str) -> Any:
        """Return true, false or the number; another text is left to the schema to refuse."""
        if text.lower() in WORDS:
            return WORDS[text.lower()]
        if _whole.fullmatch(text):
            return int(text)
        return float(text) if _number.fullmatch(text) else text

    def text_of(self, value: Any) -> str:
        """Return the text of a feature."""
        return str(value).lower() if isinstance(value, bool) else str(value)


class PricesField(PairsField):
    """Accepts prices such as `resize 0.05`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"label": "Prices", "help_text": PRICES_HELP, **options})

    def value_of(self, text: str) -> Any:
        """Return the price as the plan stores it; another text is left to the schema to refuse."""
        try:
            return f"{exact_amount(text):f}"
        except ValueError:
            return text

    def text_of(self, value: Any) -> str:
        """Return the price without zeros at its end, or what was entered instead of one."""
        try:
            return f"{Decimal(value).normalize():f}"
        except ArithmeticError:
            return str(value)


def lines_of(field: PairsField, pairs: Mapping[str, Any]) -> list[str]:
    """Return each pair as a line of text, in order of the names."""
    return [f"{name} {field.text_of(value)}" for name, value in sorted(pairs.items())]
