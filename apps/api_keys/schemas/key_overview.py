"""Keys at a glance."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, cast

from apps.api_keys.schemas.api_key import KeyState
from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Amount, Timestamp
from apps.core.values.amounts import amount_text

if TYPE_CHECKING:
    from apps.api_keys.models import ApiKey

WORDS = {
    "active": "Active",
    "disabled": "Disabled",
    "expired": "Expired",
    "revoked": "Revoked",
    "owner_suspended": "Owner suspended",
}


class KeyOverview(ResponseSchema):
    """A key without its bounds."""

    id: int
    name: str
    prefix: str
    environment: str
    state: KeyState
    last_used_at: Timestamp | None
    expires_at: Timestamp | None
    budget: Amount | None
    budget_spent: Amount
    created_at: Timestamp

    @property
    def is_spent(self) -> bool:
        """Whether its budget is spent, so that calls that cost are refused."""
        return self.budget is not None and self.budget_spent >= self.budget

    @property
    def words(self) -> str:
        """The state in words."""
        return "Budget spent" if self.state == "active" and self.is_spent else WORDS[self.state]

    @property
    def spending(self) -> str:
        """What the key has spent, and its budget."""
        spent = amount_text(self.budget_spent)
        return spent if self.budget is None else f"{spent} of {amount_text(self.budget)}"

    @classmethod
    def of(cls, key: "ApiKey") -> Self:
        """Return the overview of a row of ApiKeyRepository."""
        return cls(**{name: getattr(cast("Any", key), name) for name in cls.model_fields})


class CustomerKeysOut(ResponseSchema):
    """The newest keys of a customer, the number of all, and when one of all was last used."""

    newest: list[KeyOverview]
    total: int
    last_used_at: Timestamp | None

    @classmethod
    def of(cls, keys: Sequence["ApiKey"]) -> Self:
        """Return the overview of rows that `newest_with_totals` returns."""
        first = cast("Any", keys[0]) if keys else None
        return cls(
            newest=[KeyOverview.of(key) for key in keys],
            total=first.keys_total if first else 0,
            last_used_at=first.keys_last_used_at if first else None,
        )
