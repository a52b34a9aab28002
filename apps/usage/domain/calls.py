"""Single calls: refused ones, as the decision hands them over, and allowed ones, as they are found."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from apps.core.rate_limits.rate_limit import RateLimitStatus

UNKNOWN_ID = 0  # of the key and its owner, if the key was not found
SCOPES_MAXIMUM = 10  # a call may ask for many more, and each sample has its place in memory and in the database


class RefusedCall(NamedTuple):
    """What a refused call has asked for, and why it was refused.

    `detail` is empty where the code says all. The ids are UNKNOWN_ID if the key was not found. `rate_limits` and
    `balance` are those at that moment, as far as they were read.
    """

    occurred_at: datetime
    user_id: int
    api_key_id: int
    code: str
    detail: str
    scopes: Sequence[str]
    address: str | None
    cost: Decimal
    weight: int
    tag: str
    request_id: str
    rate_limits: Sequence[RateLimitStatus]
    balance: Decimal | None
    caller: str = ""  # who has asked, by the name that verification gives it

    def columns(self) -> dict[str, Any]:
        """Return the columns of its row, as JSON values."""
        return {
            **{name: value for name, value in self._asdict().items() if name != "caller"},
            "scopes": self.scopes[:SCOPES_MAXIMUM],
            "cost": f"{self.cost:f}",
            "rate_limits": [
                {
                    "name": status.name,
                    "limit": status.limit,
                    "period_seconds": status.period_seconds,
                    "remaining": status.remaining,
                }
                for status in self.rate_limits
            ],
            "balance": None if self.balance is None else f"{self.balance:f}",
        }


class AllowedCall(NamedTuple):
    """An allowed call. `credit_transaction_id` is the ledger entry that charged it, None if it was free."""

    request_id: str
    occurred_at: datetime
    key_id: int
    user_id: int
    cost: Decimal
    weight: int
    tag: str
    credit_transaction_id: int | None
