"""The forms and operations of credits and of their approvals."""

import secrets
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apps.core.admin.operation import Operation
from apps.core.admin.schema_form import ReasonForm
from apps.core.authorization.catalogue import CREDITS_READ
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service
from apps.credits.dependencies import credit_approval_service, credit_service
from apps.credits.models import CreditApproval, CreditTransaction
from apps.credits.schemas.credit_approval import ApprovalGrant, ApprovalRefusal, ApprovalWithdrawal, CreditApprovalOut
from apps.credits.schemas.credit_transaction import CreditPosting, CreditTransactionOut

REFERENCE_BYTES = 8  # enough: a reference is unique per customer
INCOMPLETE = "The form is incomplete. Reload the page and fill it in again."
POSTED_TYPES = [choice for choice in CreditTransaction.Type.choices if choice[0] != CreditTransaction.Type.USAGE]


def in_lines(*sentences: str) -> SafeString:
    """Return the sentences, each on a line of its own."""
    return format_html_join(SafeString("<br>"), "{}", ((sentence,) for sentence in sentences))


def _new_reference() -> str:
    return f"form-{secrets.token_hex(REFERENCE_BYTES)}"


class PostingForm(ReasonForm):
    """An amount, its type, a description, a reference and a reason.

    Without a reference, the form uses one that is generated when the page is opened, so that a form that is submitted
    twice posts once. A form is submitted a first time to see what it would do: `is_previewed` is true once the amount
    and the type are those that were shown.
    """

    schema = CreditPosting
    amount = forms.CharField(
        max_length=25,
        widget=AdminTextInputWidget(attrs={"autofocus": True, "inputmode": "decimal", "autocomplete": "off"}),
        help_text="In credits, such as 100 or 12.50. Only an adjustment may be negative.",
    )
    type = forms.ChoiceField(
        choices=POSTED_TYPES,
        help_text="Top-up: the customer has paid. Goodwill: a gift. Refund: credits that were spent are given back. "
        "Adjustment: a correction, up or down.",
    )
    description = forms.CharField(
        label="Description", max_length=500, widget=AdminTextInputWidget(), help_text="The customer reads it."
    )
    reference_id = forms.CharField(
        label="Reference ID",
        required=False,
        max_length=100,
        widget=AdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Such as an invoice number. A reference is posted once per customer.",
    )
    # Firefox fills a hidden field with its former value when a page is reloaded.
    own_reference = forms.CharField(
        required=False,
        initial=_new_reference,
        max_length=100,
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
    )
    previewed = forms.CharField(required=False, max_length=50, widget=forms.HiddenInput(attrs={"autocomplete": "off"}))

    def clean(self) -> dict[str, Any]:
        """Validate the posting by its schema, with one of the two references."""
        own_reference, self._previewed = (self.cleaned_data.pop(name, "") for name in ("own_reference", "previewed"))
        if not self.cleaned_data.get("reference_id"):
            self.cleaned_data["reference_id"] = own_reference
        if not self.cleaned_data["reference_id"]:
            self.add_error(None, INCOMPLETE)
            return self.cleaned_data
        return super().clean()

    @property
    def is_previewed(self) -> bool:
        """Whether the valid form has the amount and the type that `mark_previewed` has noted."""
        return bool(self._previewed == self._preview_mark)

    def mark_previewed(self) -> None:
        """Note in the form which amount and type are shown."""
        self.data = {**self.data.dict(), "previewed": self._preview_mark}  # type: ignore[attr-defined]  # of a request

    @property
    def _preview_mark(self) -> str:
        return f"{self.payload.type} {self.payload.amount}"


def _post(actor: Principal, user_id: int, form: Any) -> CreditTransactionOut | CreditApprovalOut:
    return call_service(credit_service().post, actor, user_id, form.payload)


def _is_living(balance: Any) -> bool:
    return balance.user.deleted_at is None


POST = Operation(
    name="post",
    label="Post credits",
    title="Post credits to {owner}",
    done="Credits to {owner} posted",
    explanation="Changes the balance at once. A ledger entry cannot be deleted; post another one to reverse it.",
    perform=_post,
    form_class=PostingForm,
    applies=_is_living,
    in_bulk=False,  # each posting has its own amount and description
)


class ApprovalForm(ReasonForm):
    """An optional reason to approve a posting."""

    schema = ApprovalGrant

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reason"].required = False
        self.fields["reason"].help_text = "Optional. The person who asked reads it; the customer does not."


class RefusalForm(ReasonForm):
    """The reason to refuse a posting."""

    schema = ApprovalRefusal

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reason"].help_text = "The person who asked reads it; the customer does not."


class WithdrawalForm(ReasonForm):
    """An optional reason to withdraw a posting."""

    schema = ApprovalWithdrawal

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reason"].required = False
        self.fields["reason"].help_text = "Optional. It is kept with the request; the customer does not see it."


def _approve(actor: Principal, approval_id: int, form: Any) -> CreditApprovalOut:
    return call_service(credit_approval_service().approve, actor, approval_id, form.payload)


def _refuse(actor: Principal, approval_id: int, form: Any) -> CreditApprovalOut:
    return call_service(credit_approval_service().refuse, actor, approval_id, form.payload)


def _withdraw(actor: Principal, approval_id: int, form: Any) -> CreditApprovalOut:
    return call_service(credit_approval_service().withdraw, actor, approval_id, form.payload)


def _is_pending(approval: Any) -> bool:
    return bool(approval.current_state == CreditApproval.State.PENDING)


APPROVE = Operation(
    name="approve",
    label="Approve",
    title="Approve credits for {owner}",
    done="Credits for {owner} approved and posted",
    explanation="Posts the credits at once. A ledger entry cannot be deleted; post another one to reverse it.",
    perform=_approve,
    form_class=ApprovalForm,
    applies=_is_pending,
    in_bulk=False,  # each is a decision of its own
)
REFUSE = Operation(
    name="refuse",
    label="Refuse",
    title="Refuse credits for {owner}",
    done="Credits for {owner} refused",
    explanation="Nothing is posted.",
    perform=_refuse,
    form_class=RefusalForm,
    applies=_is_pending,
    in_bulk=False,
    is_dangerous=True,
)
WITHDRAW = Operation(
    name="withdraw",
    label="Withdraw",
    title="Withdraw credits for {owner}",
    done="Credits for {owner} withdrawn",
    explanation="Nothing is posted, and the request can no longer be approved.",
    perform=_withdraw,
    form_class=WithdrawalForm,
    scopes=(CREDITS_READ,),
    applies=_is_pending,
    in_bulk=False,
    is_dangerous=True,
)
