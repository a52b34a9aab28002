"""explain(): the verdict of decide(), and each check on its own."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.verification.domain import BatchSnapshot, Code, Detail, Purpose, VerificationQuery
from apps.verification.services.decision import decide
from apps.verification.services.explanation import explain
from tests.unit.verification.records import NOW, RETRY_PERIOD, StoredKey, query, snapshot, stored_key
from tests.unit.verification.test_decide_properties import ADDRESSES, SCOPES, records

pytestmark = pytest.mark.unit

INSPECTION = Purpose.INSPECTION

# A fault of the key or the call that one check finds.
FAULTS: Mapping[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "enabled": ({"revoked_at": NOW}, {}, Detail.REVOKED),
    "expiry": ({"expires_at": NOW}, {}, Detail.KEY),
    "owner": ({"owner_locked_until": NOW + timedelta(1)}, {}, Detail.OWNER_LOCKED),
    "address": ({"ip_allowlist": ["192.0.2.0/24"]}, {"address": "198.51.100.1"}, Detail.ADDRESS_NOT_ALLOWED),
    "scopes": ({}, {"scopes": ("reports:read",)}, "reports:read"),
    "operation": ({}, {"operation": "resize"}, "resize"),
    "rate_limits": ({}, {"weight": 6}, "minute"),
    "budget": ({"budget": Decimal(1)}, {"cost": Decimal(2)}, Detail.BUDGET),
    "balance": ({}, {"cost": Decimal(11)}, Detail.BALANCE),
}


def key_with(*checks: str) -> StoredKey:
    changes = {name: value for check in checks for name, value in FAULTS[check][0].items()}
    return stored_key(("minute", 5, 60), **{"balance": Decimal(10), **changes})


def call_with(*checks: str) -> VerificationQuery:
    return query(**{name: value for check in checks for name, value in FAULTS[check][1].items()}, purpose=INSPECTION)


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_is_found_by_its_check_alone(fault: str):
    explained = explain(snapshot(key_with(fault)), call_with(fault))
    failed = {check.name: check.verdict.detail for check in explained.checks if not check.passes}
    assert failed == {fault: FAULTS[fault][2]}
    assert (explained.verdict.code, explained.verdict.detail) == next(
        (check.code, check.verdict.detail) for check in explained.checks if not check.passes
    )


def test_every_fault_is_found_beside_the_others():
    faults = [fault for fault in FAULTS if fault not in {"operation", "balance"}]  # without an operation, a cost
    explained = explain(snapshot(key_with(*faults)), call_with(*faults))
    assert [check.name for check in explained.checks if not check.passes] == faults
    assert [check.name for check in explained.checks] == list(FAULTS)
    assert explained.verdict.detail == Detail.REVOKED


def test_used_rate_limits_are_shown_though_an_earlier_check_refuses():
    explained = explain(snapshot(key_with("enabled")), call_with())
    (limits,) = (check.verdict.rate_limits for check in explained.checks if check.name == "rate_limits")
    assert [(status.name, status.remaining) for status in limits] == [("minute", 5)]
    assert list(explained.verdict.rate_limits) == []


def test_a_key_that_is_not_found_has_no_checks():
    explained = explain(BatchSnapshot(now=NOW, records={}), call_with())
    assert (explained.verdict.code, list(explained.checks)) == (Code.NOT_FOUND, [])


amounts = st.sampled_from(["0", "0.5", "1", "2"]).map(Decimal)


@given(
    records,
    st.sampled_from([0, 1, 3]),
    st.none() | amounts,
    amounts,
    st.builds(
        lambda address, scopes, cost, weight: query(
            address, scopes=tuple(scopes), cost=cost, weight=weight, purpose=INSPECTION
        ),
        st.sampled_from(ADDRESSES),
        st.lists(st.sampled_from(SCOPES), unique=True, max_size=2),
        amounts,
        st.integers(1, 3),
    ),
)
def test_the_first_failed_check_is_the_verdict(
    key: StoredKey, limit: int, budget: Decimal | None, balance: Decimal, sent: VerificationQuery
):
    limited = key.changed(plan_rate_limits=f'[["minute", {limit}, 60]]', budget=budget, balance=balance)
    known = snapshot(limited)
    explained = explain(known, sent)
    ((verdict,), _) = decide(known, [sent], RETRY_PERIOD)
    assert explained.verdict == verdict
    first = next(((check.code, check.verdict.detail) for check in explained.checks if not check.passes), None)
    assert first == (None if explained.verdict.is_valid else (explained.verdict.code, explained.verdict.detail))
