"""Parses amounts of credits from requests: exactly, and within the range of numeric(20, 6)."""

import re
from collections.abc import Hashable
from decimal import Decimal
from functools import lru_cache
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

AMOUNT_MAXIMUM = Decimal("99999999999999.999999")
AMOUNT_STEP = Decimal("0.000001")
AMOUNT_PATTERN = r"^-?[0-9]{1,14}(\.[0-9]{1,6})?$"
NOT_A_DECIMAL = 'must be a decimal such as "10.50", with up to 14 digits before the point and 6 after it'
NOT_EXACT = (
    "must be a decimal with up to 6 digits after the point; as a JSON number it must also be below 1000000000. "
    'Send a string such as "10.50", which is exact'
)
# A JSON number with a decimal point becomes a float. Below this limit, its shortest form is what the client sent.
FLOAT_LIMIT = 10**9
AMOUNTS_CACHED = 1024  # a service sends the same few costs again and again

_amount = re.compile(AMOUNT_PATTERN)


def exact_amount(value: object) -> Decimal:
    """Return the amount in `value`. Raises ValueError for anything else, and for floats that are not exact.

    The JSON parser reads a number with a decimal point as a double (RFC 8259, 6). Its shortest decimal form is what the
    client sent, unless that has more digits than a double holds.
    """
    if isinstance(value, Hashable):
        return _exact_amount(value)
    raise ValueError(NOT_A_DECIMAL)


@lru_cache(maxsize=AMOUNTS_CACHED, typed=True)  # typed: 1 and True are equal, and one of them is no amount
def _exact_amount(value: Hashable) -> Decimal:
    text = value if isinstance(value, str) else _text_of_number(value)
    if text is None or _amount.fullmatch(text) is None:
        raise ValueError(NOT_EXACT if isinstance(value, float) else NOT_A_DECIMAL)
    return Decimal(text).quantize(AMOUNT_STEP) + 0  # converts -0 to 0


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


def amount_text(amount: Decimal) -> str:
    """Return the amount for people: with commas between thousands and two to six decimal places, such as 1,234.50."""
    whole, _, places = f"{amount:,.6f}".partition(".")
    return f"{whole}.{places[:2]}{places[2:].rstrip('0')}"


InputAmount = Annotated[
    Decimal,
    PlainValidator(exact_amount),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": AMOUNT_PATTERN}, {"type": "number"}],
            "description": "A decimal with up to 6 decimal places. Send it as a string to keep it exact: a JSON number "
            "is read as a double, and refused if that has more decimal places or is 10^9 or more.",
        }
    ),
]
