"""Postings in the admin, and what they do."""

from decimal import Decimal
from typing import Any

from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.core.values.amounts import AMOUNT_STEP
from apps.credits.dependencies import credit_service
from apps.credits.models import CreditBalance
from apps.credits.schemas.credit_transaction import CreditPosting
from apps.users.models import User

BALANCES = "/admin/credits/creditbalance/"
LEDGER = "/admin/credits/credittransaction/"
FORM = {
    "amount": "12.50", "type": "top_up", "description": "paid by card", "own_reference": "form-1",
    "reason": "invoice 7 was paid",
}  # fmt: skip


def previewed(**fields: str) -> dict[str, str]:
    """Return the form as the page sends it once it has shown what the posting does."""
    form = {**FORM, **fields}
    return {**form, "previewed": f"{form['type']} {Decimal(form['amount']).quantize(AMOUNT_STEP)}"}


def posting_page(user: User) -> str:
    return f"{BALANCES}post/?id={user.pk}"


def post_to(user: User, amount: str = "10", **fields: Any) -> int:
    posting = CreditPosting.model_validate({"amount": amount, **fields})
    return call_service(credit_service().post, OPERATOR, user.pk, posting).id


def balance_of(user: User) -> str:
    return str(CreditBalance.objects.get(pk=user.pk).balance)
