"""The kinds of value that schemas share."""

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
def test_text_is_text_without_nul(kind, value):
    with pytest.raises(ValidationError):
        read(kind, value)


@pytest.mark.parametrize("kind", TEXTS, ids=["text", "short", "description"])
@pytest.mark.parametrize("value", ["\ud800", "a\udfffb"])
def test_text_has_no_lone_surrogates(kind, value):
    with pytest.raises(ValidationError):
        read(kind, value)


@pytest.mark.parametrize(
    ("value", "kept"), [("  a ", "a"), ("x" * 100, "x" * 100), ("名前 🔑", "名前 🔑"), ("a\tb", "a\tb")]
)
def test_short_text(value, kept):
    assert read(ShortText, value) == kept


@pytest.mark.parametrize("value", ["", "   ", "\n", "x" * 101])
def test_short_text_is_neither_empty_nor_long(value):
    with pytest.raises(ValidationError):
        read(ShortText, value)


def test_description_may_be_empty_and_ends_at_a_thousand():
    assert read(Description, "") == ""
    assert read(Description, "x" * 1000) == "x" * 1000
    with pytest.raises(ValidationError):
        read(Description, "x" * 1001)


@pytest.mark.parametrize(("value", "identifier"), [(1, 1), ("42", 42), (BIGINT_MAXIMUM, BIGINT_MAXIMUM)])
def test_identifiers(value, identifier):
    assert read(Identifier, value) == identifier


@pytest.mark.parametrize("value", [0, -1, BIGINT_MAXIMUM + 1, 2**64, 10**400, "abc", "", "1.5", "1e3", "0x1", None])
def test_what_is_no_identifier(value):
    with pytest.raises(ValidationError):
        read(Identifier, value)


@pytest.mark.parametrize("value", [1, 0, "true", "yes", None, 1.0])
def test_a_flag_is_true_or_false_and_nothing_like_it(value):
    with pytest.raises(ValidationError):
        read(Flag, value)


def test_flags():
    assert (read(Flag, True), read(Flag, False)) == (True, False)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2027-01-02T03:04:05Z", datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2027-01-02T03:04:05.123456+02:00", datetime(2027, 1, 2, 1, 4, 5, 123456, tzinfo=UTC)),
        ("2027-01-02t03:04:05z", datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ],
)
def test_reads_moments_into_utc(value, moment):
    read_moment = read(InputTimestamp, value)
    assert read_moment == moment
    assert read_moment.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [
        "2027-01-02T03:04:05",  # of no time zone
        "2027-01-02",
        "2027-13-02T03:04:05Z",
        "2027-02-30T03:04:05Z",
        "0001-01-01T00:00:00+14:00",  # before the first moment there is in UTC
        "9999-12-31T23:59:59-14:00",
        1_800_000_000,
        1.8e9,
        True,
        "1800000000000000000000",
        "4000000000",  # a number in text, which pydantic takes for seconds
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
def test_what_is_no_moment(value):
    with pytest.raises(ValidationError):
        read(InputTimestamp, value)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC), "2027-01-02T03:04:05Z"),
        (datetime(2027, 1, 2, 3, 4, 5, 60, tzinfo=UTC), "2027-01-02T03:04:05.000060Z"),
        (datetime(2027, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2027-01-02T01:04:05Z"),
    ],
)
def test_writes_moments_in_utc(moment, text):
    assert write(Timestamp, moment) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0"), ("1E+3", "1000"), ("0.000001", "0.000001"), ("1E-6", "0.000001"), ("-2.50", "-2.50")],
)
def test_writes_amounts_as_plain_decimals(amount, text):
    assert write(Amount, Decimal(amount)) == text


def test_a_request_has_no_unknown_fields_and_a_refusal_repeats_no_value():
    class Login(RequestSchema):
        password: int

    with pytest.raises(ValidationError) as refusal:
        Login.model_validate({"password": "hunter2", "surprise": "hunter3"})
    assert "hunter" not in str(refusal.value)
    assert {problem["loc"] for problem in refusal.value.errors()} == {("password",), ("surprise",)}


def test_a_few_unknown_fields_are_named_and_a_crowd_of_them_is_one_problem():
    class Login(RequestSchema):
        password: str

    def problems_of(unknown: int) -> list[tuple[int | str, ...]]:
        with pytest.raises(ValidationError) as refusal:
            Login.model_validate({"password": "x", **{f"k{number}": 1 for number in range(unknown)}})
        return [problem["loc"] for problem in refusal.value.errors()]

    assert problems_of(10) == [(f"k{number}",) for number in range(10)]
    assert problems_of(11) == [()]
    assert problems_of(100_000) == [()]


def test_a_crowd_of_unknown_fields_is_one_problem_further_in_too():
    class Part(RequestSchema):
        name: str

    class Whole(RequestSchema):
        parts: list[Part]

    crowd = {f"k{number}": 1 for number in range(100_000)}
    with pytest.raises(ValidationError) as refusal:
        Whole.model_validate({"parts": [{"name": "x"}, crowd]})
    assert [problem["loc"] for problem in refusal.value.errors()] == [("parts", 1)]


def test_a_response_does_not_change():
    class Answer(ResponseSchema):
        value: int

    with pytest.raises(ValidationError):
        Answer(value=1).value = 2  # type: ignore[misc]  # that is the point
