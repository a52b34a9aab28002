"""The list and pages of balances, and the operation that posts credits."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin.amount_columns import amount_column
from apps.core.admin.form_fields import parse_row_id
from apps.core.admin.keyhouse_model_admin import ReadOnlyAdmin
from apps.core.admin.operation import Operation
from apps.core.admin.operation_pages import OperationPages
from apps.core.admin.owner_columns import OwnerColumns
from apps.core.admin.schema_form import add_service_errors
from apps.core.admin.staff_rights import PageScopes, acting_staff
from apps.core.authorization.catalogue import CREDITS_ADJUST, CREDITS_GRANT, CREDITS_READ
from apps.core.errors import DomainError
from apps.core.event_loop import call_service
from apps.core.values.amounts import amount_text
from apps.credits.admin.credit_operations import POST, PostingForm, in_lines
from apps.credits.dependencies import credit_service
from apps.credits.models import CreditBalance
from apps.credits.schemas.credit_approval import CreditApprovalOut
from apps.credits.schemas.credit_transaction import CreditTransactionOut, PostingPreview
from apps.credits.services.posting_rules import OWN_ACCOUNT

BALANCE = amount_column("balance")
PREVIEW, ASK = "Continue", "Ask for approval"
NEEDS_APPROVAL = "So large a posting needs approval by another member of staff. Nothing is posted until then."
ADDED_UP = (
    "With the {} credits that you have posted to this customer within a day, this needs approval by another member of "
    "staff. Nothing is posted until then."
)


@admin.register(CreditBalance)
class CreditBalanceAdmin(ReadOnlyAdmin, OwnerColumns, OperationPages):
    """Finds balances, and posts credits; balances are never edited by hand."""

    operations = (POST,)
    page_scopes = PageScopes(view=(CREDITS_READ,), change=(CREDITS_GRANT, CREDITS_ADJUST))
    audit_kind = "user"  # postings are recorded as events of the account

    list_display = ("owner", BALANCE, "updated_at", "ledger")
    search_fields = ("user__email",)
    search_help_text = "E-mail address"
    ordering = ("-user",)
    fields: ClassVar[Any] = ("owner_link", BALANCE, "updated_at", "ledger")

    @admin.display(description="Ledger")
    def ledger(self, balance: Any) -> SafeString:
        """Link to the owner's ledger entries."""
        address = f"{reverse('admin:credits_credittransaction_changelist')}?user__id__exact={balance.pk}"
        return format_html('<a href="{}">Entries</a>', address)

    def subtitle_of(self, row: Any) -> str:
        """Return the owner."""
        return str(row.user)

    def tools_for(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """Return the buttons of the balance's page: none on one's own."""
        return [] if row.pk == acting_staff(request).user_id else super().tools_for(request, row)

    def operation_view(self, request: HttpRequest, operation: Operation, ids: Sequence[str]) -> HttpResponse:
        """Serve the form, not for one's own balance: it then says at once that another person has to post."""
        if [parse_row_id(each) for each in ids] == [acting_staff(request).user_id] and self._may(request, operation):
            self.message_user(request, OWN_ACCOUNT, messages.WARNING)
            return HttpResponseRedirect(self._page_of(acting_staff(request).user_id))
        return super().operation_view(request, operation, ids)

    def _perform(
        self, request: HttpRequest, operation: Operation, rows: Sequence[Any], form: Any
    ) -> HttpResponse | None:
        """Post the credits once the form has shown what they change; until then, show that."""
        if not form.is_previewed:
            return None
        try:
            posted = operation.perform(acting_staff(request), rows[0].pk, form)
        except DomainError as error:
            add_service_errors(form, error)
            return None
        if isinstance(posted, CreditApprovalOut):
            self.message_user(request, _waiting_text(str(rows[0].user), posted), messages.WARNING)
            return HttpResponseRedirect(reverse("admin:credits_creditapproval_change", args=[posted.id]))
        self.message_user(request, _posted_text(str(rows[0].user), posted), messages.SUCCESS)
        return HttpResponseRedirect(self._page_of(posted.user_id))

    def _confirmation_page(
        self, request: HttpRequest, operation: Operation, rows: Sequence[Any], form: Any
    ) -> HttpResponse:
        """Show the balance before, and the balance after once the form is valid."""
        shown = self._preview(request, rows[0], form) if form.is_bound and form.is_valid() else None
        if shown is None:
            balance = f"{rows[0].user} has {amount_text(rows[0].balance)} credits now."
            before = in_lines(balance, operation.explanation)
            asked = replace(operation, button=PREVIEW, explanation=before)
        else:
            text = _preview_text(str(rows[0].user), form.payload.description, shown)
            asked = replace(operation, button=ASK if shown.needs_approval else "", explanation=text)
        return super()._confirmation_page(request, asked, rows, form)

    def _preview(self, request: HttpRequest, row: Any, form: PostingForm) -> PostingPreview | None:
        """Return what the posting would do; None, with the error in the form, if it would be refused."""
        try:
            shown = call_service(credit_service().preview, acting_staff(request), row.pk, form.payload)
        except DomainError as error:
            add_service_errors(form, error)
            return None
        form.mark_previewed()
        return shown

    def _page_of(self, user_id: int | None) -> str:
        return reverse(self.url_name("change"), args=[user_id])

    def _rows(self, request: HttpRequest, operation: Operation, ids: Sequence[str]) -> list[Any]:
        """Return the balance if exactly one is selected, because the confirmation page names its owner."""
        rows = super()._rows(request, operation, ids)
        return rows if len(rows) == 1 else []


def _preview_text(owner: str, description: str, shown: PostingPreview) -> SafeString:
    before, after = amount_text(shown.balance), amount_text(shown.balance_after)
    return in_lines(
        f"{owner} has {before} credits now, and will have {after}.",
        f"The customer reads: “{description}”.",
        _approval_text(shown) if shown.needs_approval else POST.explanation,
    )


def _approval_text(shown: PostingPreview) -> str:
    if not shown.posted_lately:
        return NEEDS_APPROVAL
    return ADDED_UP.format(amount_text(shown.posted_lately))


def _waiting_text(owner: str, approval: CreditApprovalOut) -> str:
    amount, end = amount_text(approval.amount), f"{approval.expires_at:%Y-%m-%d %H:%M} UTC"
    return f"Nothing is posted yet: {amount} credits for {owner} wait for approval by another person until {end}."


def _posted_text(owner: str, posted: CreditTransactionOut) -> str:
    before, after = amount_text(posted.balance_after - posted.amount), amount_text(posted.balance_after)
    change = f"{amount_text(abs(posted.amount))} {'added' if posted.amount > 0 else 'taken'}"
    return f"Credits to {owner} posted: {change}. The balance was {before} and is now {after}."
