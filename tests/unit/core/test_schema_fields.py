"""The field types that schemas share."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import (
    BIGINT_MAXIMUM,
    Amount,
    Description,
    Flag,
    Identifier,
    InputTimestamp,
    ShortText,
    Text,
    Timestamp,
)

pytestmark = pytest.mark.unit

TEXTS = [Text, ShortText, Description]


def read(kind: Any, value: object) -> Any:
    return TypeAdapter(kind).validate_python(value)


def write(kind: Any, value: object) -> Any:
    return TypeAdapter(kind).dump_python(value)


@pytest.mark.parametrize("kind", TEXTS, ids=["text", "short", "description"])
@pytest.mark.parametrize("value", ["a\x00b", "\x00", 5, None, ["a"], True])
def test_text_rejects_nul_and_other_types(kind, value):
    with pytest.raises(ValidationError):
        read(kind, value)


@pytest.mark.parametrize("kind", TEXTS, ids=["text", "short", "description"])
@pytest.mark.parametrize("value", ["\ud800", "a\udfffb"])
def test_text_rejects_lone_surrogates(kind, value):
    with pytest.raises(ValidationError):
        read(kind, value)


@pytest.mark.parametrize(("value", "kept"), [("  a ", "a"), ("x" * 100, "x" * 100), ("名前 🔑", "名前 🔑")])
def test_short_text_is_stripped(value, kept):
    assert read(ShortText, value) == kept


@pytest.mark.parametrize("value", ["", "   ", "\n", "x" * 101, "a\tb", "a\u202eb", "\u200b"])
def test_short_text_rejects_empty_and_long_values(value):
    with pytest.raises(ValidationError):
        read(ShortText, value)


def test_description_has_up_to_a_thousand_characters():
    assert read(Description, "") == ""
    assert read(Description, "x" * 1000) == "x" * 1000
    with pytest.raises(ValidationError):
        read(Description, "x" * 1001)


@pytest.mark.parametrize(("value", "identifier"), [(1, 1), ("42", 42), (BIGINT_MAXIMUM, BIGINT_MAXIMUM)])
def test_identifier_is_parsed(value, identifier):
    assert read(Identifier, value) == identifier


@pytest.mark.parametrize("value", [0, -1, BIGINT_MAXIMUM + 1, 2**64, 10**400, "abc", "", "1.5", "1e3", "0x1", None])
def test_invalid_identifier_is_rejected(value):
    with pytest.raises(ValidationError):
        read(Identifier, value)


@pytest.mark.parametrize("value", [1, 0, "true", "yes", None, 1.0])
def test_flag_rejects_other_values(value):
    with pytest.raises(ValidationError):
        read(Flag, value)


def test_flag_is_boolean():
    assert (read(Flag, True), read(Flag, False)) == (True, False)


@pytest.mark.parametrize(
    ("value", "timestamp"),
    [
        ("2027-01-02T03:04:05Z", datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2027-01-02T03:04:05.123456+02:00", datetime(2027, 1, 2, 1, 4, 5, 123456, tzinfo=UTC)),
        ("2027-01-02t03:04:05z", datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ],
)
def test_timestamp_is_converted_to_utc(value, timestamp):
    parsed = read(InputTimestamp, value)
    assert parsed == timestamp
    assert parsed.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [
        "2027-01-02T03:04:05",  # without a time zone
        "2027-01-02",
        "2027-13-02T03:04:05Z",
        "2027-02-30T03:04:05Z",
        "0001-01-01T00:00:00+14:00",  # before the earliest datetime in UTC
        "9999-12-31T23:59:59-14:00",
        1_800_000_000,
        1.8e9,
        True,
        "1800000000000000000000",
        "4000000000",  # a number in a string, which pydantic parses as seconds
        "-1",
        "1e9",
        "2027-01-02 03:04:05Z",
        "20270102T030405Z",
        "٢٠٢٧-01-02T03:04:05Z",
        "tomorrow",
        "",
        None,
    ],
)
def test_invalid_timestamp_is_rejected(value):
    with pytest.raises(ValidationError):
        read(InputTimestamp, value)


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [
        (datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC), "2027-01-02T03:04:05Z"),
        (datetime(2027, 1, 2, 3, 4, 5, 60, tzinfo=UTC), "2027-01-02T03:04:05.000060Z"),
        (datetime(2027, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2027-01-02T01:04:05Z"),
    ],
)
def test_timestamp_is_written_in_utc(timestamp, text):
    assert write(Timestamp, timestamp) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0"), ("1E+3", "1000"), ("0.000001", "0.000001"), ("1E-6", "0.000001"), ("-2.50", "-2.50")],
)
def test_amount_is_written_as_plain_decimal(amount, text):
    assert write(Amount, Decimal(amount)) == text


def test_unknown_fields_are_rejected_without_repeating_values():
    class Login(RequestSchema):
        password: int

    with pytest.raises(ValidationError) as raised:
        Login.model_validate({"password": "hunter2", "unknown": "hunter3"})
    assert "hunter" not in str(raised.value)
    assert {error["loc"] for error in raised.value.errors()} == {("password",), ("unknown",)}


def test_many_unknown_fields_are_one_error():
    class Login(RequestSchema):
        password: str

    def errors_of(unknown: int) -> list[tuple[int | str, ...]]:
        with pytest.raises(ValidationError) as raised:
            Login.model_validate({"password": "x", **{f"k{number}": 1 for number in range(unknown)}})
        return [error["loc"] for error in raised.value.errors()]

    assert errors_of(10) == [(f"k{number}",) for number in range(10)]
    assert errors_of(11) == [()]
    assert errors_of(100_000) == [()]


def test_many_nested_unknown_fields_are_one_error():
    class Part(RequestSchema):
        name: str

    class Whole(RequestSchema):
        parts: list[Part]

    unknown = {f"k{number}": 1 for number in range(100_000)}
    with pytest.raises(ValidationError) as raised:
        Whole.model_validate({"parts": [{"name": "x"}, unknown]})
    assert [error["loc"] for error in raised.value.errors()] == [("parts", 1)]


def test_response_is_immutable():
    class Answer(ResponseSchema):
        value: int

    with pytest.raises(ValidationError):
        Answer(value=1).value = 2  # type: ignore[misc]  # the test asserts that it raises
