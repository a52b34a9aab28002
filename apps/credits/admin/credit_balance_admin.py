"""The balances' list and pages."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin.operation import Operation
from apps.core.admin.operation_pages import OperationPages
from apps.credits.admin.posting_operation import POST
from apps.credits.models import CreditBalance


@admin.register(CreditBalance)
class CreditBalanceAdmin(OperationPages):
    """Finds balances and posts to them. Whoever may change balances may post; nobody writes one by hand."""

    operations = (POST,)

    list_display = ("owner", "balance", "updated_at", "ledger")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    search_help_text = "E-mail address"
    ordering = ("-user",)
    fields = ("owner_link", "balance", "updated_at", "ledger")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the balances with their owners."""
        return super().get_queryset(request).select_related("user")

    @admin.display(description="Owner", ordering="user__email")
    def owner(self, balance: Any) -> str:
        """Show whose the balance is."""
        return str(balance.user.email)

    @admin.display(description="Owner")
    def owner_link(self, balance: Any) -> SafeString:
        """Lead to whose the balance is."""
        return format_html('<a href="{}">{}</a>', reverse("admin:users_user_change", args=[balance.pk]), balance.user)

    @admin.display(description="Ledger")
    def ledger(self, balance: Any) -> SafeString:
        """Lead to the owner's entries."""
        address = f"{reverse('admin:credits_credittransaction_changelist')}?user__id__exact={balance.pk}"
        return format_html('<a href="{}">Entries</a>', address)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """Show whose balance it is, and the operations' buttons."""
        row = context["original"]
        context |= {"operation_tools": self.tools_for(request, row), "subtitle": str(row.user)}
        return super().render_change_form(request, context, *args, **options)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the owner's audit trail, which tells of each posting and who made it."""
        query = urlencode({"target_kind": "user", "target_id": object_id})
        return HttpResponseRedirect(f"{reverse('admin:audit_auditevent_changelist')}?{query}")

    def after_operation(self, request: HttpRequest, operation: Operation, results: Sequence[Any]) -> HttpResponse:
        """Show what the balance has become."""
        return HttpResponseRedirect(reverse(self.url_name("change"), args=[results[0].user_id]))

    def has_post_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let whoever may change balances post, and leave deleted accounts as they are."""
        is_living = obj is None or obj.user.deleted_at is None
        return is_living and super().has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave it to the database, which makes each with its account."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave it to postings, which the ledger tells of."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep each with its account."""
        return False

    def _rows(self, request: HttpRequest, operation: Operation, ids: Sequence[str]) -> list[Any]:
        """Post to one balance at a time: the page names its owner."""
        rows = super()._rows(request, operation, ids)
        return rows if len(rows) == 1 else []

    def _counted(self, number: int, rows: Sequence[Any]) -> str:
        return f"Credits to {rows[0].user}"

    def _question(self, request: HttpRequest, operation: Operation, rows: Sequence[Any], form: Form) -> HttpResponse:
        page: Any = super()._question(request, operation, rows, form)
        page.context_data["title"] = f"{operation.label} to {rows[0].user}"
        answer: HttpResponse = page
        return answer
