"""Postings that wait for a second person, and what that person decides."""

from typing import Annotated, Any, Literal, Self

from pydantic import StringConstraints

from apps.core.schemas.base import EntityOut, ReasonedRequest, RequestSchema
from apps.core.schemas.fields import REASON_LENGTH_MAXIMUM, Amount, Identifier, Lines, Timestamp
from apps.core.schemas.page import CursorQuery
from apps.credits.schemas.credit_transaction import PostedType, ShownReference

ApprovalState = Literal["pending", "approved", "refused", "withdrawn", "expired"]
GivenReason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=REASON_LENGTH_MAXIMUM), Lines
]


class ApprovalQuery(CursorQuery):
    """Optionally the customer, and the state."""

    user_id: Identifier | None = None
    state: ApprovalState | None = None


class ApprovalGrant(ReasonedRequest):
    """The approval of a posting. The person who asked for it is shown the `reason`."""


class ApprovalRefusal(RequestSchema):
    """The refusal of a posting. The person who asked for it is shown the `reason`."""

    reason: GivenReason


class ApprovalWithdrawal(ReasonedRequest):
    """The withdrawal of a posting by the person who has asked for it."""


class CreditApprovalOut(EntityOut):
    """A posting that another member of staff has to approve, or what became of it.

    `transaction_id` is its ledger entry once it is approved. Customers are shown neither the approval nor its reasons.
    """

    id: int
    state: ApprovalState
    user_id: int
    type: PostedType
    amount: Amount
    description: str
    reference_id: ShownReference
    reason: str
    requested_by_id: int
    requested_at: Timestamp
    expires_at: Timestamp
    decided_by_id: int | None
    decided_at: Timestamp | None
    decision_reason: str
    transaction_id: int | None

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return the approval in its current state."""
        fields = {name: getattr(row, name) for name in cls.model_fields}
        return cls.model_validate({**fields, "state": vars(row)["current_state"]})
