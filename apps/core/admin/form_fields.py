"""Form fields for JSON objects, lists and rate limits."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

UNITS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}
NUMBER_DIGITS = 18
RATE_LIMITS_HELP = (
    "One per line: a name, the number of calls and the period, such as “minute 60 per minute”, “burst 10 per 5 "
    "seconds” or “day 10000 per day”. A limit of 0 refuses every call."
)

_line = re.compile(
    rf"(?P<name>\S+)\s+(?P<limit>\d{{1,{NUMBER_DIGITS}}})\s+per\s+"
    rf"(?:(?P<count>\d{{1,{NUMBER_DIGITS}}})\s*)?(?P<unit>{'|'.join(UNITS)})?s?",
    re.ASCII | re.IGNORECASE,
)


_half_of_a_pair = re.compile("[\ud800-\udfff]")
_row_id = re.compile(r"[1-9][0-9]{0,17}")  # all of these fit into a bigint
NO_ROW_ID = 0  # ids start at 1


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
        return _json_text(value) if value else ""


def _json_text(value: Any) -> str:
    """Return the JSON as people read it; with escapes if it has half a surrogate pair, which no page can contain."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return json.dumps(value, indent=2) if _half_of_a_pair.search(text) else text


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


class RateLimitsField(LinesField):
    """Accepts rate limits such as `minute 60 per minute`, as a list of {name, limit, period_seconds}."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"label": "Rate limits", "help_text": RATE_LIMITS_HELP, **options})

    def to_python(self, value: Any) -> Any:
        """Return the rate limits. Raises ValidationError with every line that is not a rate limit."""
        rate_limits = [_parsed(line) for line in super().to_python(value)]
        invalid = [number for number, rate_limit in enumerate(rate_limits, 1) if rate_limit is None]
        if invalid:
            raise ValidationError([f"Line {number}: Enter a name, a number, “per” and a period." for number in invalid])
        return rate_limits

    def prepare_value(self, value: Any) -> Any:
        """Return the rate limits as text."""
        return super().prepare_value(
            [rate_limit_text(rate_limit) for rate_limit in value] if isinstance(value, list) else value
        )


def rate_limit_text(rate_limit: Mapping[str, Any]) -> str:
    """Return the rate limit as a line of text, with the largest unit that divides its period."""
    unit, seconds = next((unit, size) for unit, size in UNITS.items() if rate_limit["period_seconds"] % size == 0)
    count = rate_limit["period_seconds"] // seconds
    period = unit if count == 1 else f"{count} {unit}s"
    return f"{rate_limit['name']} {rate_limit['limit']} per {period}"


def _parsed(line: str) -> dict[str, Any] | None:
    found = _line.fullmatch(line)
    if found is None or not (found["count"] or found["unit"]):
        return None
    period = int(found["count"] or 1) * UNITS[(found["unit"] or "second").lower()]
    return {"name": found["name"], "limit": int(found["limit"]), "period_seconds": period}


def parse_row_id(text: str) -> int:
    """Return the row id in the text, or NO_ROW_ID when the text is not an id, exactly as it is written."""
    return int(text) if _row_id.fullmatch(text) else NO_ROW_ID
