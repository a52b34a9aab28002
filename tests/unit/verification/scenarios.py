"""Scenarios for the decision and its model: customers, keys, and batches of calls over time."""

from decimal import Decimal
from typing import NamedTuple

from hypothesis import strategies as st

from tests.unit.verification.decision_model import Call, Customer, ModelKey

# Multiples of ten milliseconds: well within a sixtieth of a period, or at its edge.
GAPS_MS = [0, 10, 50, 90, 100, 500, 1000, 5_900, 5_990, 6_000, 6_100, 30_000, 59_990, 60_000, 61_000]


class Scenario(NamedTuple):
    """Customers, keys and batches, each with the milliseconds since the one before."""

    customers: list[Customer]
    keys: list[ModelKey]
    batches: list[tuple[int, list[Call]]]


amounts = st.sampled_from(["0", "0.000001", "0.5", "1", "2.5", "10"]).map(Decimal)
costs = st.sampled_from(["0", "0", "0", "0.000001", "0.5", "1"]).map(Decimal)
# By name, so that no two have the same.
rate_limits = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.tuples(st.sampled_from([1, 2, 3, 5, 8, 0]), st.sampled_from([6, 60])),
    max_size=3,
).map(lambda found: tuple((name, *fields) for name, fields in found.items()))
# Both, one or none of two operations.
prices = st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(["0", "0.000001", "0.5"]).map(Decimal))
# A cost, no operation and one unit; or an operation, of which there may be more.
charges = st.tuples(costs, st.none(), st.just(1)) | st.tuples(
    st.just(Decimal(0)), st.sampled_from(["x", "y"]), st.sampled_from([1, 1, 2, 7])
)
customers = st.lists(st.builds(Customer, rate_limits, amounts, prices), min_size=1, max_size=3)


def _call(key: int, charge: tuple[Decimal, str | None, int], weight: int, request_id: str | None) -> Call:
    cost, operation, units = charge
    return Call(key, cost, operation, units, weight, request_id)


calls = st.builds(
    _call,
    st.sampled_from([0, 0, 1, 1, 2, 3]),
    charges,
    st.sampled_from([1, 1, 1, 2, 3]),
    st.sampled_from([None, None, None, "r", "s"]),
)
batches = st.lists(st.tuples(st.sampled_from(GAPS_MS), st.lists(calls, max_size=12)), min_size=1, max_size=10)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Return a scenario; some of its calls are of unknown keys."""
    found = draw(customers)
    keys = st.builds(
        ModelKey,
        st.integers(0, len(found) - 1),
        st.just(()) | rate_limits,
        st.none() | amounts,
        st.sampled_from([True] * 7 + [False]),
    )
    return Scenario(found, draw(st.lists(keys, min_size=1, max_size=4)), draw(batches))
