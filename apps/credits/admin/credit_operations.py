"""The forms and operations of credits."""

import secrets
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget

from apps.core.admin.operation import Operation
from apps.core.admin.schema_form import ReasonForm
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service
from apps.credits.dependencies import credit_service
from apps.credits.models import CreditTransaction
from apps.credits.schemas.credit_transaction import CreditPosting, CreditTransactionOut

REFERENCE_BYTES = 8  # enough: a reference is unique per customer
INCOMPLETE = "The form is incomplete. Reload the page and fill it in again."
POSTED_TYPES = [choice for choice in CreditTransaction.Type.choices if choice[0] != CreditTransaction.Type.USAGE]


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


def _post(actor: Principal, user_id: int, form: Any) -> CreditTransactionOut:
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
