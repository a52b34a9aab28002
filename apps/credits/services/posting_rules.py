"""What a posting needs, and when it is refused."""

from datetime import timedelta
from decimal import Decimal

from django.conf import settings

from apps.core.authorization.catalogue import CREDITS_ADJUST, CREDITS_GRANT
from apps.core.authorization.principal import Principal
from apps.core.errors import Conflict, ErrorDetail, InsufficientCredits
from apps.core.values.amounts import AMOUNT_MAXIMUM
from apps.credits.schemas.credit_transaction import CreditPosting

# What is paid for is another right than what is given: a program that sells credits needs no more than the first.
SCOPES = {
    "top_up": CREDITS_GRANT,
    "goodwill": CREDITS_ADJUST,
    "refund": CREDITS_ADJUST,
    "adjustment": CREDITS_ADJUST,
}
# The time within which what one member of staff posts to one customer is added up.
LATELY = timedelta(days=1)
OWN_ACCOUNT = "You cannot post credits to your own account. Ask another member of staff."


class BalanceTooLarge(Conflict):
    """The posting would raise the balance above the maximum."""

    code, message = "BALANCE_TOO_LARGE", "The balance would exceed the maximum. Reduce the amount."


class ReferenceUsed(Conflict):
    """The account has another ledger entry, or another pending approval, with this reference."""

    code, message = "REFERENCE_USED", "The reference belongs to another ledger entry. Use a new reference."


def require_posting(actor: Principal, user_id: int, kind: str) -> str:
    """Return the scope that a posting of this type needs.

    Raises NotAllowed, also for the actor's own account, or InsufficientScopes, unless the actor may post it.
    """
    scope = SCOPES[kind]
    actor.require_scope(scope)
    actor.require_other(user_id, OWN_ACCOUNT)
    return scope


def has_approval_limit(actor: Principal) -> bool:
    """Return whether large postings of the actor need approval.

    Not of the operator, who is no person to Keyhouse, and could as well change the setting or the database.
    """
    return actor.user_id is not None and settings.CREDIT_APPROVAL_ABOVE is not None


def is_above_limit(amount: Decimal, posted_lately: Decimal | None) -> bool:
    """Return whether another person has to approve a posting of this amount.

    `posted_lately` is the sum of what the actor has posted to the customer within LATELY without approval, or None for
    an actor without a limit: small postings that together pass the limit are as one large posting.
    """
    limit = settings.CREDIT_APPROVAL_ABOVE
    return posted_lately is not None and limit is not None and abs(amount) + posted_lately > limit


def balance_after(balance: Decimal, amount: Decimal) -> Decimal:
    """Return the balance after a posting. Raises InsufficientCredits, BalanceTooLarge."""
    after = balance + amount
    if after < 0:
        raise InsufficientCredits(details=[ErrorDetail("amount", f"The balance is {balance:f}.")])
    if after > AMOUNT_MAXIMUM:
        too_large = ErrorDetail("amount", f"The maximum balance is {AMOUNT_MAXIMUM:f}.")
        raise BalanceTooLarge(details=[too_large])
    return after


def require_same_posting(posting: CreditPosting, amount: Decimal, kind: str) -> None:
    """Raise ReferenceUsed unless the posting has the amount and the type of the earlier one with its reference."""
    if (amount, kind) != (posting.amount, posting.type):
        used = ErrorDetail("reference_id", f"It belongs to a {kind} of {amount:f}.")
        raise ReferenceUsed(details=[used])
