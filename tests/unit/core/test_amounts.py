"""Amounts in requests are exact, or rejected."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.values.amounts import AMOUNT_MAXIMUM, exact_amount

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


@given(st.decimals(-AMOUNT_MAXIMUM, AMOUNT_MAXIMUM, places=6, allow_nan=False))
def test_text_amount_is_exact(amount: Decimal):
    assert exact_amount(f"{amount:f}") == amount


@given(st.integers(-(10**15) + 1, 10**15 - 1).map(lambda millionths: Decimal(millionths) / 1_000_000))
def test_float_amount_equals_the_number_sent(amount: Decimal):
    assert exact_amount(float(f"{amount:f}")) == amount
