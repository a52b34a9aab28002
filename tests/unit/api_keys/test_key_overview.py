"""Keys at a glance."""

from decimal import Decimal
from typing import Any

import pytest

from apps.api_keys.schemas.key_overview import KeyOverview


@pytest.mark.parametrize(
    ("budget", "words"), [(None, "1.25"), (Decimal("5.000000"), "1.25 of 5.00"), (Decimal(0), "1.25 of 0.00")]
)
def test_spending_is_shown_with_the_budget(budget: Decimal | None, words: str):
    bounds: Any = {"budget": budget, "budget_spent": Decimal("1.250000")}
    assert KeyOverview.model_construct(**bounds).spending == words
