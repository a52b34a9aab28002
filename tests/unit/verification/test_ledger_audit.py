"""The report of the ledger audit."""

from decimal import Decimal
from typing import Any

import pytest

from apps.verification.repositories.ledger_audit_repository import CHECKS, CheckResult
from apps.verification.services.ledger_audit import VIOLATIONS_MAXIMUM, LedgerAudit

pytestmark = pytest.mark.unit

ROW = (1, 2, 3, 4, Decimal(5), Decimal(6))


class FakeComparison:
    def __init__(self, *found: CheckResult) -> None:
        self.found = list(found)

    async def compare(self, rows_maximum: int) -> tuple[tuple[int, ...], list[CheckResult]]:
        assert rows_maximum == VIOLATIONS_MAXIMUM
        return (10, 20, 30, 40), self.found


async def report_of(*found: CheckResult) -> Any:
    comparison: Any = FakeComparison(*found)
    return await LedgerAudit(comparison).run()


def test_there_are_eight_checks():
    assert len(CHECKS) == len(set(CHECKS)) == 8


async def test_the_report_counts_what_was_compared():
    report = await report_of(CheckResult("a", [], 0), CheckResult("b", [], 0))
    assert report.holds
    assert report.model_dump() == {
        "balances": 10,
        "transactions": 20,
        "usage_events": 30,
        "api_keys": 40,
        "violations_total": 0,
        "violations": [],
    }


async def test_the_report_contains_violations():
    report = await report_of(CheckResult("a", [], 0), CheckResult("b", [ROW], 1))
    assert not report.holds
    assert [violation.model_dump() for violation in report.violations] == [
        {
            "check": "b",
            "user_id": 1,
            "transaction_id": 2,
            "usage_event_id": 3,
            "api_key_id": 4,
            "expected": "5",
            "found": "6",
        }
    ]


async def test_the_report_shows_some_violations_of_each_check():
    many, few = CheckResult("a", [ROW] * 100, 7_000), CheckResult("c", [ROW] * 3, 3)
    report = await report_of(many, CheckResult("b", [], 0), few)
    assert report.violations_total == 7_003
    assert [violation.check for violation in report.violations] == ["a"] * (VIOLATIONS_MAXIMUM - 3) + ["c"] * 3


async def test_violations_of_a_check_are_in_order():
    rows = [(number, *ROW[1:]) for number in range(5)]
    report = await report_of(CheckResult("a", rows, 5), CheckResult("b", rows[:2], 2))
    shown = [(violation.check, violation.user_id) for violation in report.violations]
    assert shown == [("a", 0), ("a", 1), ("a", 2), ("a", 3), ("a", 4), ("b", 0), ("b", 1)]
