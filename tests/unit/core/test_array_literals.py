"""PostgreSQL array literals."""

from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.database.parameters import array_of_bytes, array_of_numbers, array_of_texts

pytestmark = pytest.mark.unit


class Word(StrEnum):
    YES = "yes"


@pytest.mark.parametrize(
    ("values", "literal"),
    [
        ([], "{}"),
        ([1], "{1}"),
        ([1, -2, 2**63 - 1], "{1,-2,9223372036854775807}"),
        ([Decimal("0.100000"), Decimal("0E-9"), Decimal("1E+3")], "{0.100000,0E-9,1E+3}"),
    ],
)
def test_numbers(values: list[object], literal: str):
    assert array_of_numbers(values) == literal


@pytest.mark.parametrize(
    ("values", "literal"),
    [
        ([], "{}"),
        ([""], '{""}'),
        (["a", "b c"], '{"a","b c"}'),
        (["NULL", "null"], '{"NULL","null"}'),
        (["a,b", "{a}", " a "], '{"a,b","{a}"," a "}'),
        (['say "a"'], r'{"say \"a\""}'),
        (["back\\slash", "\\"], r'{"back\\slash","\\"}'),
        (['\\"'], r'{"\\\""}'),
        (["a\nb\tc"], '{"a\nb\tc"}'),
        (["ä😀"], '{"ä😀"}'),
        ([Word.YES], '{"yes"}'),
    ],
)
def test_texts(values: list[str], literal: str):
    assert array_of_texts(values) == literal


@pytest.mark.parametrize(
    ("values", "literal"),
    [([], "{}"), ([b""], r'{"\\x"}'), ([b"\x00\xff", b'"\\'], r'{"\\x00ff","\\x225c"}')],
)
def test_bytes(values: list[bytes], literal: str):
    assert array_of_bytes(values) == literal


def test_any_iterable_is_accepted():
    assert (array_of_numbers(iter((1, 2))), array_of_texts({"a": 1})) == ("{1,2}", '{"a"}')


@given(st.lists(st.text(alphabet='a,{}"\\ \n', max_size=6) | st.text(max_size=6), max_size=5))
def test_text_literal_round_trips(values: list[str]):
    assert _read(array_of_texts(values)) == values


def _read(literal: str) -> list[str]:
    """Parse a literal with quoted elements, by the rules of PostgreSQL's manual."""
    assert (literal[0], literal[-1]) == ("{", "}")
    values: list[str] = []
    rest = literal[1:-1]
    while rest:
        value, rest = _read_one(rest)
        values.append(value)
        assert not rest or (rest[0] == "," and len(rest) > 1)
        rest = rest[1:]
    return values


def _read_one(text: str) -> tuple[str, str]:
    assert text[0] == '"'
    value, position = "", 1
    while text[position] != '"':
        position += text[position] == "\\"
        value += text[position]
        position += 1
    return value, text[position + 1 :]


def test_bytes_literal_is_hexadecimal():
    assert array_of_bytes([b"\x00a", b""]) == r'{"\\x0061","\\x"}'
    assert array_of_bytes([]) == "{}"
