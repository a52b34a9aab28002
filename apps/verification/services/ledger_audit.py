"""Proves on a live database that balances, ledger and usage agree."""

from collections.abc import Sequence
from itertools import chain, islice, zip_longest
from typing import Any

from apps.verification.repositories.ledger_audit_repository import Breaches, LedgerAuditRepository
from apps.verification.schemas.ledger_audit import LedgerAuditReport, LedgerViolation

VIOLATIONS_MAXIMUM = 100
SIZES = ("balances", "transactions", "usage_events", "api_keys")
COLUMNS = ("user_id", "transaction_id", "usage_event_id", "api_key_id", "expected", "found")


class LedgerAudit:
    """Compares what is stored with what it is the sum of; changes nothing, and holds nobody up."""

    def __init__(self, repository: LedgerAuditRepository) -> None:
        self._repository = repository

    async def run(self) -> LedgerAuditReport:
        """Return what was compared and what is wrong, at most VIOLATIONS_MAXIMUM rows of it."""
        sizes, found = await self._repository.compare(VIOLATIONS_MAXIMUM)
        return LedgerAuditReport(
            **dict(zip(SIZES, sizes, strict=True)),
            violations_total=sum(breaches.total for breaches in found),
            violations=_shown(found),
        )


def _shown(found: Sequence[Breaches]) -> list[LedgerViolation]:
    """Return the first of each check, then the second of each and so on: one fault may break thousands of sums."""
    by_turns = chain.from_iterable(
        zip_longest(*([(breaches.check, row) for row in breaches.rows] for breaches in found))
    )
    chosen = islice((turn for turn in by_turns if turn is not None), VIOLATIONS_MAXIMUM)
    order = [breaches.check for breaches in found]
    return [_violation(check, row) for check, row in sorted(chosen, key=lambda turn: order.index(turn[0]))]


def _violation(check: str, row: tuple[Any, ...]) -> LedgerViolation:
    return LedgerViolation(check=check, **dict(zip(COLUMNS, row, strict=True)))
