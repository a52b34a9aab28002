"""Windows of a rate limit, written one a line."""

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from apps.core.admin.lines_field import LinesField

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


class RateLimitsField(LinesField):
    """Takes windows such as `minute 60 per minute`, as a list of {name, limit, period_seconds}."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"label": "Rate limits", "help_text": RATE_LIMITS_HELP, **options})

    def to_python(self, value: Any) -> Any:
        """Return the windows; raises ValidationError with each line that says none."""
        lines = super().to_python(value)
        windows = [_window(line) for line in lines]
        wrong = [number for number, window in enumerate(windows, 1) if window is None]
        if wrong:
            raise ValidationError(
                [f"Line {number}: Write it as a name, a number, “per” and a period." for number in wrong]
            )
        return windows

    def prepare_value(self, value: Any) -> Any:
        """Return the text for the windows."""
        return super().prepare_value(
            [rate_limit_text(window) for window in value] if isinstance(value, list) else value
        )


def rate_limit_text(window: Mapping[str, Any]) -> str:
    """Return the line for a window."""
    unit, seconds = next((unit, size) for unit, size in UNITS.items() if window["period_seconds"] % size == 0)
    count = window["period_seconds"] // seconds
    period = unit if count == 1 else f"{count} {unit}s"
    return f"{window['name']} {window['limit']} per {period}"


def _window(line: str) -> dict[str, Any] | None:
    found = _line.fullmatch(line)
    if found is None or not (found["count"] or found["unit"]):
        return None
    period = int(found["count"] or 1) * UNITS[(found["unit"] or "second").lower()]
    return {"name": found["name"], "limit": int(found["limit"]), "period_seconds": period}
