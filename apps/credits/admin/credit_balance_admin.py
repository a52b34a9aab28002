"""The list and pages of balances, and the operation that posts credits."""

import secrets
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin.keyhouse_model_admin import ReadOnlyAdmin
from apps.core.admin.operation import Operation
from apps.core.admin.operation_pages import OperationPages
from apps.core.admin.owner_columns import OwnerColumns
from apps.core.admin.schema_form import SchemaForm
from apps.core.admin.staff_rights import PageScopes
from apps.core.authorization.catalogue import CREDITS_ADJUST, CREDITS_GRANT, CREDITS_READ
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service
from apps.credits.dependencies import credit_service
from apps.credits.models import CreditBalance, CreditTransaction
from apps.credits.schemas.credit_transaction import CreditPosting, CreditTransactionOut

REFERENCE_BYTES = 8  # enough: a reference is unique per customer
INCOMPLETE = "The form is incomplete. Reload the page and fill it in again."


def _new_reference() -> str:
    return f"form-{secrets.token_hex(REFERENCE_BYTES)}"


class PostingForm(SchemaForm):
    """An amount, its type, a description and a reference.

    Without a reference, the form uses one that is generated when the page is opened, so that a form that is submitted
    twice posts once.
    """

    schema = CreditPosting
    amount = forms.CharField(
        max_length=25,
        widget=AdminTextInputWidget(attrs={"autofocus": True, "inputmode": "decimal", "autocomplete": "off"}),
        help_text="In credits, such as 100 or 12.50. Only an adjustment may be negative.",
    )
    type = forms.ChoiceField(
        choices=[kind for kind in CreditTransaction.Type.choices if kind[0] != CreditTransaction.Type.USAGE]
    )
    description = forms.CharField(
        label="Description", max_length=500, widget=AdminTextInputWidget(), help_text="Shown to the customer."
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

    def clean(self) -> dict[str, Any]:
        """Validate the posting by its schema, with one of the two references."""
        own_reference = self.cleaned_data.pop("own_reference", "")
        if not self.cleaned_data.get("reference_id"):
            self.cleaned_data["reference_id"] = own_reference
        if not self.cleaned_data["reference_id"]:
            self.add_error(None, INCOMPLETE)
            return self.cleaned_data
        return super().clean()


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


@admin.register(CreditBalance)
class CreditBalanceAdmin(ReadOnlyAdmin, OwnerColumns, OperationPages):
    """Finds balances, and posts credits; balances are never edited by hand."""

    operations = (POST,)
    page_scopes = PageScopes(view=(CREDITS_READ,), change=(CREDITS_GRANT, CREDITS_ADJUST))
    audit_kind = "user"  # postings are recorded as events of the account

    list_display = ("owner", "balance", "updated_at", "ledger")
    search_fields = ("user__email",)
    search_help_text = "E-mail address"
    ordering = ("-user",)
    fields = ("owner_link", "balance", "updated_at", "ledger")

    @admin.display(description="Ledger")
    def ledger(self, balance: Any) -> SafeString:
        """Link to the owner's ledger entries."""
        address = f"{reverse('admin:credits_credittransaction_changelist')}?user__id__exact={balance.pk}"
        return format_html('<a href="{}">Entries</a>', address)

    def subtitle_of(self, row: Any) -> str:
        """Return the owner."""
        return str(row.user)

    def after_operation(self, request: HttpRequest, operation: Operation, results: Sequence[Any]) -> HttpResponse:
        """Show the new balance."""
        return HttpResponseRedirect(reverse(self.url_name("change"), args=[results[0].user_id]))

    def _rows(self, request: HttpRequest, operation: Operation, ids: Sequence[str]) -> list[Any]:
        """Return the balance if exactly one is selected, because the confirmation page names its owner."""
        rows = super()._rows(request, operation, ids)
        return rows if len(rows) == 1 else []
