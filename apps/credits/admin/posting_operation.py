"""Posting credits from the admin."""

from typing import Any

from apps.core.admin.operation import Operation
from apps.core.authorization.principal import Principal
from apps.core.event_loop.sync_calls import call_service
from apps.credits.admin.posting_form import PostingForm
from apps.credits.dependencies import credit_service
from apps.credits.schemas.credit_transaction import CreditTransactionOut


def _post(actor: Principal, user_id: int, form: Any) -> CreditTransactionOut:
    return call_service(credit_service().post, actor, user_id, form.payload)


POST = Operation(
    name="post",
    label="Post credits",
    order="Post credits to {owner}",
    done="Credits to {owner} posted",
    explanation="The balance moves at once, and the ledger keeps the entry for ever; another entry takes it back.",
    perform=_post,
    permission="operate",
    form_class=PostingForm,
    in_bulk=False,  # each customer's posting has an amount and a reason of its own
)
