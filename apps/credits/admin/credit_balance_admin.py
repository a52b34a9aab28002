"""The balances' list and pages."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin.operation import Operation
from apps.core.admin.operation_pages import OperationPages
from apps.core.admin.owner_columns import OwnerColumns
from apps.core.admin.read_only_admin import ReadOnlyAdmin
from apps.credits.admin.posting_operation import POST
from apps.credits.models import CreditBalance


@admin.register(CreditBalance)
class CreditBalanceAdmin(ReadOnlyAdmin, OwnerColumns, OperationPages):
    """Finds balances and posts to them. Whoever may change balances may post; nobody writes one by hand."""

    operations = (POST,)
    verbs = ("view", "change")
    audit_kind = "user"  # the trail tells of each posting, and who made it

    list_display = ("owner", "balance", "updated_at", "ledger")
    search_fields = ("user__email",)
    search_help_text = "E-mail address"
    ordering = ("-user",)
    fields = ("owner_link", "balance", "updated_at", "ledger")

    @admin.display(description="Ledger")
    def ledger(self, balance: Any) -> SafeString:
        """Lead to the owner's entries."""
        address = f"{reverse('admin:credits_credittransaction_changelist')}?user__id__exact={balance.pk}"
        return format_html('<a href="{}">Entries</a>', address)

    def subtitle_of(self, row: Any) -> str:
        """Return whose balance it is."""
        return str(row.user)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let whoever may change balances post, and leave deleted accounts as they are."""
        is_living = obj is None or obj.user.deleted_at is None
        return is_living and super().has_operate_permission(request, obj)

    def after_operation(self, request: HttpRequest, operation: Operation, results: Sequence[Any]) -> HttpResponse:
        """Show what the balance has become."""
        return HttpResponseRedirect(reverse(self.url_name("change"), args=[results[0].user_id]))

    def _rows(self, request: HttpRequest, operation: Operation, ids: Sequence[str]) -> list[Any]:
        """Post to one balance at a time: the page names its owner."""
        rows = super()._rows(request, operation, ids)
        return rows if len(rows) == 1 else []
