"""Amounts of credits, as clients send them: exact, and within what numeric(20, 6) holds."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

AMOUNT_MAXIMUM = Decimal("99999999999999.999999")
AMOUNT_STEP = Decimal("0.000001")
AMOUNT_PATTERN = r"^-?[0-9]{1,14}(\.[0-9]{1,6})?$"
# A JSON number with a point has been through a float. Below this, its shortest form is what the client wrote.
FLOAT_LIMIT = 10**9

_amount = re.compile(AMOUNT_PATTERN)


def exact_amount(value: object) -> Decimal:
    """Return the amount that was sent; raises ValueError for what is none, or was not exact when it came."""
    text = value if isinstance(value, str) else _text_of_number(value)
    if text is None or _amount.fullmatch(text) is None:
        raise ValueError('must be a decimal, best in text such as "10.50": at most 14 digits, and 6 after the point')
    return Decimal(text).quantize(AMOUNT_STEP) + 0  # which makes -0 of it 0


def _text_of_number(value: object) -> str | None:
    match value:
        case bool():
            return None
        case float() if abs(value) < FLOAT_LIMIT:
            return f"{Decimal(repr(value)):f}"
        case Decimal() if value.is_finite():
            return f"{value:f}" if abs(value.adjusted()) < AMOUNT_MAXIMUM.adjusted() + 1 else None
        case int() if abs(value) <= AMOUNT_MAXIMUM:
            return str(value)
        case _:
            return None


InputAmount = Annotated[
    Decimal,
    PlainValidator(exact_amount),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": AMOUNT_PATTERN}, {"type": "number"}],
            "description": "A decimal with at most 6 places, best sent as text.",
        }
    ),
]
