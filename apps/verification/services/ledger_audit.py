"""Checks that balances, the ledger and usage of a running installation agree."""

from collections.abc import Sequence
from itertools import chain, islice, zip_longest
from typing import Any

from apps.verification.repositories.ledger_audit_repository import CheckResult, LedgerAuditRepository
from apps.verification.schemas.ledger_audit import LedgerAuditReport, LedgerViolation

VIOLATIONS_MAXIMUM = 100
SIZES = ("balances", "transactions", "usage_events", "api_keys")
COLUMNS = ("user_id", "transaction_id", "usage_event_id", "api_key_id", "expected", "found")


class LedgerAudit:
    """Compares stored values with the sums that they must equal. Read-only, and locks nothing."""

    def __init__(self, repository: LedgerAuditRepository) -> None:
        self._repository = repository

    async def run(self) -> LedgerAuditReport:
        """Return the numbers of compared rows, and up to VIOLATIONS_MAXIMUM violations."""
        sizes, results = await self._repository.compare(VIOLATIONS_MAXIMUM)
        return LedgerAuditReport(
            **dict(zip(SIZES, sizes, strict=True)),
            violations_total=sum(result.total for result in results),
            violations=_shown(results),
        )


def _shown(results: Sequence[CheckResult]) -> list[LedgerViolation]:
    """Return violations of all checks evenly: one fault may violate one check thousands of times."""
    interleaved = chain.from_iterable(
        zip_longest(*([(result.check, row) for row in result.rows] for result in results))
    )
    chosen = islice((each for each in interleaved if each is not None), VIOLATIONS_MAXIMUM)
    order = [result.check for result in results]
    return [_violation(check, row) for check, row in sorted(chosen, key=lambda turn: order.index(turn[0]))]


def _violation(check: str, row: tuple[Any, ...]) -> LedgerViolation:
    return LedgerViolation(check=check, **dict(zip(COLUMNS, row, strict=True)))
