"""Ledger entries, and postings to the ledger."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo, field_validator

from apps.core.schemas.base import EntityOut, ReasonedRequest, RequestSchema, ResponseSchema
from apps.core.schemas.fields import Amount, Identifier, OneLine, ShortText, Timestamp
from apps.core.schemas.page import CursorQuery
from apps.core.values.amounts import InputAmount


def _is_not_zero(amount: Decimal) -> Decimal:
    if amount == 0:
        raise ValueError("must not be zero")
    return amount


def _none_for_empty(reference: str | None) -> str | None:
    return reference or None


SignedAmount = Annotated[InputAmount, AfterValidator(_is_not_zero)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), OneLine]
PostedType = Literal["top_up", "goodwill", "refund", "adjustment"]
TransactionType = Literal["top_up", "goodwill", "refund", "adjustment", "usage"]
ADJUSTMENT = "adjustment"
ShownReference = Annotated[str | None, BeforeValidator(_none_for_empty)]


class CreditPosting(ReasonedRequest):
    """A ledger entry to post. Only an adjustment may be negative, and it needs a description.

    A `top_up` was paid for, `goodwill` is given away, a `refund` gives back what was spent, and an `adjustment`
    corrects the balance.

    `reference_id` names what the entry is for, such as an invoice. Each reference is posted once per customer.
    `request_id` is a synonym of `reference_id`. The customer reads the `description`, and never the `reason`, which the
    audit trail keeps.
    """

    # Before the amount and the description, whose rules depend on it.
    type: PostedType = "top_up"
    amount: SignedAmount
    description: Description = Field(default="", validate_default=True)
    reference_id: ShortText | None = None
    request_id: ShortText | None = None

    @field_validator("amount")
    @classmethod
    def _is_positive_unless_adjusting(cls, amount: Decimal, info: ValidationInfo) -> Decimal:
        if amount < 0 and info.data.get("type", ADJUSTMENT) != ADJUSTMENT:
            raise ValueError("must be positive; only an adjustment may be negative")
        return amount

    @field_validator("description")
    @classmethod
    def _is_given_for_an_adjustment(cls, description: str, info: ValidationInfo) -> str:
        if not description and info.data.get("type") == ADJUSTMENT:
            raise ValueError("must be given for an adjustment")
        return description

    @field_validator("request_id")
    @classmethod
    def _is_the_only_reference(cls, request_id: str | None, info: ValidationInfo) -> str | None:
        if request_id is not None and info.data.get("reference_id") is not None:
            raise ValueError("must not be sent together with reference_id, which is the same")
        return request_id

    @property
    def reference(self) -> str:
        """The reference, under either of its names, or an empty string."""
        return self.reference_id or self.request_id or ""


class PostingPreview(ResponseSchema):
    """The balance of a customer, what a posting would make of it, and whether another person has to approve it.

    `posted_lately` is what the same person has posted to the customer without approval within a day, which counts too.
    """

    balance: Decimal
    balance_after: Decimal
    needs_approval: bool
    posted_lately: Decimal


class BalanceQuery(RequestSchema):
    """The account; by default your own."""

    user_id: Identifier | None = None


class LedgerQuery(CursorQuery):
    """The account, by default your own, and optionally the type of entries."""

    user_id: Identifier | None = None
    type: TransactionType | None = None


class CreditTransactionOut(EntityOut):
    """A ledger entry and the balance after it. `actor_id` is the account that posted it, null for operators and
    usage."""

    id: int
    user_id: int
    type: TransactionType
    amount: Amount
    balance_after: Amount
    description: str
    reference_id: ShownReference
    actor_id: int | None
    occurred_at: Timestamp
