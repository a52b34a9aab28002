"""What may be asked of a key."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from apps.verification.schemas import VerifyRequest

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        ("0E-999999999999", "0.000000"),
        ("0E+999999", "0.000000"),
        ("0", "0.000000"),
        ("1.5", "1.500000"),
        ("1E+13", "10000000000000.000000"),
        ("0.0000010", "0.000001"),
        ("99999999999999.999999", "99999999999999.999999"),
    ],
)
def test_a_cost_has_the_digits_it_is_stored_with(cost: str, text: str):
    assert f"{VerifyRequest(key='k', cost=cost).cost:f}" == text  # type: ignore[arg-type]  # as JSON has them


@pytest.mark.parametrize("cost", ["-0.000001", "0.0000001", "1E+14", "NaN", "Infinity", "1E-999999999999", None])
def test_what_is_no_cost(cost: str | None):
    with pytest.raises(ValidationError):
        VerifyRequest.model_validate({"key": "k", "cost": cost})


def test_a_call_costs_nothing_unless_it_says_so():
    assert VerifyRequest.model_validate({"key": "k"}).cost == Decimal(0)
