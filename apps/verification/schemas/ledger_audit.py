"""The report of the ledger audit."""

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Amount


class LedgerViolation(ResponseSchema):
    """A row that violates a check, with the expected and the found value; `found` is null for a missing row."""

    check: str
    user_id: int | None
    transaction_id: int | None
    usage_event_id: int | None
    api_key_id: int | None
    expected: Amount
    found: Amount | None


class LedgerAuditReport(ResponseSchema):
    """The numbers of compared rows and of violations, and the first violations."""

    balances: int
    transactions: int
    usage_events: int
    api_keys: int
    violations_total: int
    violations: list[LedgerViolation]

    @property
    def holds(self) -> bool:
        """Whether there is no violation."""
        return self.violations_total == 0
