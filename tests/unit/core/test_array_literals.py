"""PostgreSQL array literals, and arrays in its binary format."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import PyFormat, Transformer
from psycopg.types.numeric import Int8

from apps.core.database.parameters import array_of_numbers, array_of_texts, binary_bigints, binary_byteas

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


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=300))
def test_binary_bigints_are_those_of_psycopg(values: list[int]):
    assert binary_bigints(values) == _by_psycopg([Int8(value) for value in values], [Int8(0)])


@given(st.lists(st.binary(max_size=40), max_size=40))
def test_binary_byteas_are_those_of_psycopg(values: list[bytes]):
    assert binary_byteas(values) == _by_psycopg(values, [b""])


def _by_psycopg(values: list[Any], of_the_type: list[Any]) -> bytes:
    if not values:  # psycopg writes an empty array without a type
        head = bytes(Transformer().get_dumper(of_the_type, PyFormat.BINARY).dump(of_the_type) or b"")
        return bytes(8) + head[8:12]
    return bytes(Transformer().get_dumper(values, PyFormat.BINARY).dump(values) or b"")


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
