"""The result of the ledger audit."""

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Amount


class LedgerViolation(ResponseSchema):
    """A row that breaks a check: where it is, what it should hold, and what it does; null is a row that is missing."""

    check: str
    user_id: int | None
    transaction_id: int | None
    usage_event_id: int | None
    api_key_id: int | None
    expected: Amount
    found: Amount | None


class LedgerAuditReport(ResponseSchema):
    """How much was compared, how much of it is wrong, and the first wrong rows of all checks."""

    balances: int
    transactions: int
    usage_events: int
    api_keys: int
    violations_total: int
    violations: list[LedgerViolation]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return self.violations_total == 0
