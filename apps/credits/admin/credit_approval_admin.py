"""The list and pages of postings that need approval, and the operations that decide about them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin.amount_columns import amount_column
from apps.core.admin.form_fields import parse_row_id
from apps.core.admin.keyhouse_model_admin import ModelAdminBase, ReadOnlyAdmin
from apps.core.admin.operation import Operation
from apps.core.admin.operation_pages import OperationPages
from apps.core.admin.owner_columns import OwnerColumns
from apps.core.admin.staff_rights import PageScopes, acting_staff
from apps.core.authorization.catalogue import CREDITS_ADJUST, CREDITS_GRANT, CREDITS_READ
from apps.core.values.amounts import amount_text
from apps.credits.admin.credit_operations import APPROVE, REFUSE, WITHDRAW, in_lines
from apps.credits.models import CreditApproval, CreditBalance
from apps.credits.models.credit_approval import is_in_state
from apps.credits.services.credit_approval_service import OTHERS_REQUEST, OWN_REQUEST

AMOUNT = amount_column("amount")
BADGES = {
    "pending": "expired",
    "approved": "active",
    "refused": "revoked",
    "withdrawn": "disabled",
    "expired": "disabled",
}


class ApprovalStateFilter(SimpleListFilter):
    """Filters approvals by their state now."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the states."""
        return [(value, str(label)) for value, label in CreditApproval.State.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the approvals in the chosen state."""
        state = self.value()
        return queryset.filter(is_in_state(state)) if state else queryset


@admin.register(CreditApproval)
class CreditApprovalAdmin(ReadOnlyAdmin, OwnerColumns, OperationPages):
    """Finds postings that need approval, and approves, refuses or withdraws them."""

    operations = (APPROVE, REFUSE, WITHDRAW)
    page_scopes = PageScopes(view=(CREDITS_READ,), change=(CREDITS_GRANT, CREDITS_ADJUST))
    audit_kind = "credit_approval"

    list_display = ("requested_at", "owner", "type", AMOUNT, "state_badge", "requester", "expires_at")
    list_display_links = ("requested_at",)
    list_filter = (ApprovalStateFilter, "type")
    search_fields = ("user__email", "reference_id__exact")
    search_help_text = "Part of the owner's e-mail address, or a complete reference"
    ordering = ("-id",)
    fields: ClassVar[Any] = (
        "owner_link", "type", AMOUNT, "state_badge", "description", "reference_id", "reason", "requester",
        "requested_at", "expires_at", "decider", "decided_at", "decision_reason", "ledger_entry",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the approvals with their state now, and with the accounts of the people."""
        rows: QuerySet[Any] = CreditApproval.objects.with_state()
        return rows.select_related("user", "requested_by", "decided_by").order_by(*self.ordering)

    @admin.display(description="State")
    def state_badge(self, approval: Any) -> SafeString:
        """Show the state now in its colour."""
        state = approval.current_state
        return format_html('<span class="badge {}">{}</span>', BADGES[state], state.capitalize())

    @admin.display(description="Asked by")
    def requester(self, approval: Any) -> str:
        """Show who asked for the credits."""
        return str(approval.requested_by)

    @admin.display(description="Decided by")
    def decider(self, approval: Any) -> str:
        """Show who approved or refused them."""
        return str(approval.decided_by or "-")

    @admin.display(description="Ledger entry")
    def ledger_entry(self, approval: Any) -> SafeString:
        """Link to the entry that the approval has posted."""
        if approval.transaction_id is None:
            return SafeString("-")
        address = reverse("admin:credits_credittransaction_change", args=[approval.transaction_id])
        return format_html('<a href="{}">{}</a>', address, approval.transaction_id)

    def subtitle_of(self, row: Any) -> str:
        """Return the amount and the owner."""
        return f"{amount_text(row.amount)} credits for {row.user}"

    def tools_for(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """Return the buttons of the approval's page: to withdraw it for the person who asked, none for the customer."""
        actor_id, tools = acting_staff(request).user_id, super().tools_for(request, row)
        is_own = actor_id == row.requested_by_id
        offered = [tool for tool in tools if (tool["operation"] is WITHDRAW) == is_own]
        return [] if actor_id == row.user_id else offered

    def operation_view(self, request: HttpRequest, operation: Operation, ids: Sequence[str]) -> HttpResponse:
        """Serve the form to those who can do this; to others it says at once who can.

        Others decide about a request, and the person who asked withdraws it.
        """
        row_ids, withdraws = [parse_row_id(each) for each in ids], operation is WITHDRAW
        own = Q(requested_by=acting_staff(request).user_id)
        others = CreditApproval.objects.filter(~own if withdraws else own, pk__in=row_ids)
        if self._may(request, operation) and others.exists():
            self.message_user(request, OTHERS_REQUEST if withdraws else OWN_REQUEST, messages.WARNING)
            return HttpResponseRedirect(reverse(self.url_name("changelist")))
        return super().operation_view(request, operation, ids)

    def _confirmation_page(
        self, request: HttpRequest, operation: Operation, rows: Sequence[Any], form: Form
    ) -> HttpResponse:
        """Show what was asked for, and the balance before and after."""
        text = in_lines(*_asked_text(rows[0]), _balance_text(rows[0]), operation.explanation)
        return super()._confirmation_page(request, replace(operation, explanation=text), rows, form)

    def _rows(self, request: HttpRequest, operation: Operation, ids: Sequence[str]) -> list[Any]:
        """Return the approval if exactly one is selected: each is a decision of its own."""
        rows = super()._rows(request, operation, ids)
        return rows if len(rows) == 1 else []


def _asked_text(approval: Any) -> Iterator[str]:
    kind = approval.get_type_display()
    yield f"{approval.requested_by} asks to post {amount_text(approval.amount)} credits to {approval.user} ({kind})."
    if approval.reason:
        yield f"The reason: “{approval.reason}”."
    if approval.description:
        yield f"The customer reads: “{approval.description}”."


def _balance_text(approval: Any) -> str:
    before = CreditBalance.objects.get(pk=approval.user_id).balance
    after = amount_text(before + approval.amount)
    return f"{approval.user} has {amount_text(before)} credits now, and would have {after}."
