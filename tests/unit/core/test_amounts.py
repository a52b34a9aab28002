"""Amounts in requests are exact, or rejected."""

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.values.amounts import AMOUNT_MAXIMUM, amount_text, exact_amount

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("sent", "amount"),
    [
        ("0", "0.000000"), ("-0", "0.000000"), (-0.0, "0.000000"), ("10.5", "10.500000"), ("-1", "-1.000000"),
        (7, "7.000000"), (0.1, "0.100000"), (999999999.5, "999999999.500000"), (Decimal("2.5"), "2.500000"),
        ("99999999999999.999999", "99999999999999.999999"), (Decimal("1E+3"), "1000.000000"),
    ],
)  # fmt: skip
def test_valid_amount_is_parsed(sent: Any, amount: str):
    assert str(exact_amount(sent)) == amount


@pytest.mark.parametrize(
    "sent",
    [
        "", " 1", "1 ", "+1", ".5", "1.", "1e3", "1_000", "1,5", "NaN", "Infinity", "0.0000001", "1" * 15, "٣",
        True, None, [], {}, b"1", 1e9, -1e9, 1e-7, 0.1 + 0.2, float("nan"), float("inf"), 10**14, 10**400,
        Decimal("NaN"), Decimal("Infinity"), Decimal("1E+999999"), Decimal("1E-999999"), Decimal("0.0000001"),
    ],
    ids=repr,
)  # fmt: skip
def test_invalid_amount_is_rejected(sent: Any):
    with pytest.raises(ValueError, match="decimal"):
        exact_amount(sent)


@pytest.mark.parametrize("number", ["0.30000000000000004", "0.1234567", "1e-7", "1000000000.5"])
def test_number_that_is_not_exact_is_refused_with_advice(number: str):
    with pytest.raises(ValueError, match="Send a string such as"):
        exact_amount(orjson.loads(number))


def test_number_is_read_as_a_double():
    assert exact_amount(orjson.loads("0.30000000000000001")) == Decimal("0.3")


@given(st.decimals(-AMOUNT_MAXIMUM, AMOUNT_MAXIMUM, places=6, allow_nan=False))
def test_text_amount_is_exact(amount: Decimal):
    assert exact_amount(f"{amount:f}") == amount


@given(st.integers(-(10**15) + 1, 10**15 - 1).map(lambda millionths: Decimal(millionths) / 1_000_000))
def test_float_amount_equals_the_number_sent(amount: Decimal):
    assert exact_amount(float(f"{amount:f}")) == amount


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.00"),
        ("10.500000", "10.50"),
        ("-1234567.800000", "-1,234,567.80"),
        ("0.000001", "0.000001"),
        ("3.141500", "3.1415"),
        (AMOUNT_MAXIMUM, "99,999,999,999,999.999999"),
    ],
)
def test_people_read_amounts_with_two_to_six_places(amount, text):
    assert amount_text(Decimal(amount)) == text
