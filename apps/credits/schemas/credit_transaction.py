"""Entries of the credit ledger, and postings to it."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import Amount, Identifier, ShortText, Text, Timestamp
from apps.core.schemas.page import PageQuery
from apps.core.values.amounts import InputAmount

if TYPE_CHECKING:
    from apps.credits.models import CreditTransaction


def _is_not_zero(amount: Decimal) -> Decimal:
    if amount == 0:
        raise ValueError("must not be zero")
    return amount


SignedAmount = Annotated[InputAmount, AfterValidator(_is_not_zero)]
Reason = Annotated[Text, StringConstraints(strip_whitespace=True, max_length=500)]
PostedType = Literal["top_up", "refund", "adjustment"]
TransactionType = Literal["top_up", "refund", "adjustment", "usage"]
ADJUSTMENT = "adjustment"


class CreditPosting(RequestSchema):
    """A movement by staff. Only an adjustment may take credits away, and it says why in `description`.

    `reference_id` names what the movement is for; the same one posts once a customer. It may be sent as `request_id`.
    """

    # The type first: the amount and the description are judged by it.
    type: PostedType = "top_up"
    amount: SignedAmount
    description: Reason = Field(default="", validate_default=True)
    reference_id: ShortText | None = None
    request_id: ShortText | None = None

    @field_validator("amount")
    @classmethod
    def _gives_unless_it_adjusts(cls, amount: Decimal, info: ValidationInfo) -> Decimal:
        if amount < 0 and info.data.get("type", ADJUSTMENT) != ADJUSTMENT:
            raise ValueError("must be positive; only an adjustment may be negative")
        return amount

    @field_validator("description")
    @classmethod
    def _says_why_it_adjusts(cls, description: str, info: ValidationInfo) -> str:
        if not description and info.data.get("type") == ADJUSTMENT:
            raise ValueError("must say why, for an adjustment")
        return description

    @field_validator("request_id")
    @classmethod
    def _is_the_only_name(cls, request_id: str | None, info: ValidationInfo) -> str | None:
        if request_id is not None and info.data.get("reference_id") is not None:
            raise ValueError("is another name of reference_id: send one of them")
        return request_id

    @property
    def reference(self) -> str:
        """What the movement is for, under whichever name it was sent; empty when it was not."""
        return self.reference_id or self.request_id or ""


class BalanceQuery(RequestSchema):
    """Whose balance: one's own, or for staff that of `user_id`."""

    user_id: Identifier | None = None


class LedgerQuery(PageQuery):
    """Whose entries, one's own or for staff those of `user_id`, and of which type."""

    user_id: Identifier | None = None
    type: TransactionType | None = None


class CreditTransactionOut(ResponseSchema):
    """A movement of credits and the balance it left; `actor_id` is who posted it, null for operators and usage."""

    id: int
    user_id: int
    type: TransactionType
    amount: Amount
    balance_after: Amount
    description: str
    reference_id: str | None
    actor_id: int | None
    occurred_at: Timestamp

    @classmethod
    def of(cls, entry: "CreditTransaction") -> Self:
        """Return the entry's public face."""
        names = (name for name in cls.model_fields if name not in {"id", "reference_id"})
        fields = {name: getattr(entry, name) for name in names}
        return cls(id=entry.pk, reference_id=entry.reference_id or None, **fields)
