"""Canonical texts of look-ups and searches."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from apps.core.schemas.fields import ShortText
from apps.core.values.look_ups import canonical_text, search_spellings

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("typed", "spellings"),
    [
        ("ann", ["ann"]),
        (" \tAnn Lee\u00a0", ["Ann Lee"]),
        ("Mu\u0308ller", ["M\u00fcller", "xn--mller-kva"]),
        ("b\u00fccher.example", ["b\u00fccher.example", "xn--bcher-kva.example"]),
        ("BU\u0308CHER.example", ["B\u00dcCHER.example", "xn--bcher-kva.example"]),
        ("@b\u00fccher.example", ["@b\u00fccher.example", "@xn--bcher-kva.example"]),
        ("Ann@Example.COM", ["Ann@Example.COM"]),
        ("xn--bcher-kva", ["xn--bcher-kva"]),
        ("J\u00fcrgen M\u00fcller", ["J\u00fcrgen M\u00fcller"]),
        ("  ", []),
        ("", []),
    ],
)
def test_term_has_the_spellings_of_stored_texts(typed, spellings):
    assert search_spellings(typed) == spellings


@given(text=st.text(max_size=200))
def test_name_has_one_form(text):
    stored = canonical_text(text)
    assert canonical_text(unicodedata.normalize("NFD", text)) == stored == canonical_text(stored)


def test_length_of_a_name_is_that_of_its_stored_form():
    name = TypeAdapter(ShortText)
    assert name.validate_python(" Cafe\u0301 ") == "Caf\u00e9"
    assert name.validate_python("e\u0301" * 100) == "\u00e9" * 100
    with pytest.raises(ValidationError):
        name.validate_python("\u0958" * 100)  # composed, it is twice as long
