"""Field types that schemas share, so that equal kinds of values have equal limits."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, PlainSerializer, StringConstraints

from apps.core.values.look_ups import canonical_text
from apps.core.values.shown_texts import lines, one_line, storable

BIGINT_MAXIMUM = 2**63 - 1

_number = re.compile(r"[1-9][0-9]*")
_timestamp = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d", re.ASCII)  # the start of every RFC 3339 date and time


def _composed(value: object) -> object:
    return canonical_text(value) if isinstance(value, str) else value


def _is_number_text(value: object) -> object:
    # pydantic also accepts `9_6`, `+96`, `096`, ` 96` and `96.0` as 96.
    if isinstance(value, str) and _number.fullmatch(value) is None:
        raise ValueError("must be a whole number from 1: digits alone, without a leading zero")
    return value


def _is_timestamp_text(value: object) -> object:
    # pydantic also accepts numbers, even in strings, as seconds or milliseconds since 1970.
    if isinstance(value, int | float) or (isinstance(value, str) and _timestamp.match(value) is None):
        raise ValueError("must be a string with an RFC 3339 date and time")
    return value


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is out of range") from error


def rfc3339(value: datetime) -> str:
    """Return the timestamp in UTC, in the API's format: RFC 3339 with the suffix `Z`."""
    utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return f"{utc.isoformat()[: -len('+00:00')]}Z"


def _decimal_text(value: Decimal) -> str:
    return f"{value:f}"


# Text that is only compared, such as a search. Text that people read is OneLine or Lines, after its StringConstraints.
Text = Annotated[str, AfterValidator(storable)]
OneLine, Lines = AfterValidator(one_line), AfterValidator(lines)
# The last validator of a text that people look for: one form however it is typed. It runs first, before the length is
# checked, because composing makes some texts longer.
COMPOSED = BeforeValidator(_composed)
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), OneLine, COMPOSED]
Description = Annotated[str, StringConstraints(max_length=1000), Lines]
REASON_LENGTH_MAXIMUM, MESSAGE_LENGTH_MAXIMUM = 500, 200
# Why a change is made, in the actor's words: kept in the audit event, where staff alone read it.
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=REASON_LENGTH_MAXIMUM), Lines]
# What the owner of the account is shown about the change.
CustomerMessage = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MESSAGE_LENGTH_MAXIMUM), OneLine]
NUMBER_TEXT = BeforeValidator(_is_number_text)  # for numbers in paths and queries
Identifier = Annotated[int, Field(ge=1, le=BIGINT_MAXIMUM), NUMBER_TEXT]
Timestamp = Annotated[datetime, PlainSerializer(rfc3339, return_type=str, when_used="always")]
InputTimestamp = Annotated[AwareDatetime, BeforeValidator(_is_timestamp_text), AfterValidator(_to_utc)]
Flag = Annotated[bool, Field(strict=True)]
Amount = Annotated[Decimal, PlainSerializer(_decimal_text, return_type=str, when_used="always")]


def omitted() -> Any:
    """Return the value of an omitted field in a PATCH body, as a default_factory that excludes null from the type.

    `model_fields_set` contains the fields that were sent.
    """
    return None
