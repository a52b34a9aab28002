"""The read-only list and pages of ledger entries."""

from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest

from apps.core.admin.amount_columns import amount_column
from apps.core.admin.keyhouse_model_admin import ReadOnlyAdmin
from apps.core.admin.owner_columns import OwnerColumns
from apps.core.admin.staff_rights import PageScopes
from apps.core.authorization.catalogue import CREDITS_READ
from apps.core.values.look_ups import search_spellings
from apps.credits.models import CreditTransaction, LedgerEntry

OWNERS_MAXIMUM = 1000
AMOUNT, BALANCE_AFTER = amount_column("amount"), amount_column("balance_after")


@admin.register(CreditTransaction)
class CreditTransactionAdmin(ReadOnlyAdmin, OwnerColumns):
    """Finds ledger entries. The database itself refuses to change them."""

    page_scopes = PageScopes(view=(CREDITS_READ,))

    list_display = ("occurred_at", "owner", "type", AMOUNT, BALANCE_AFTER, "description", "reference_id", "actor")
    list_display_links = ("occurred_at",)
    list_filter = ("type",)
    search_fields = ("user__email", "reference_id__exact")
    search_help_text = "Part of the owner's e-mail address, or a complete reference"
    ordering = ("-id",)
    fields: ClassVar[Any] = (
        "occurred_at", "owner_link", "type", AMOUNT, BALANCE_AFTER, "description", "reference_id", "actor",
        "actor_kind",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the entries with their owners and actors, deleted accounts included.

        Of the whole ledger: the model is that of the stored entries, which has the permissions and the addresses.
        """
        actor = get_user_model()._base_manager.filter(pk=OuterRef("actor_id")).values("email")
        entries: QuerySet[Any] = LedgerEntry.objects.select_related("user").annotate(actor_email=Subquery(actor))
        return entries.defer("pending_user_ids").order_by(*self.ordering)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search owners first, so that their entries are found by an index in a ledger of any size."""
        spellings = search_spellings(search_term)
        if not spellings:
            return queryset, False
        has_address = reduce(or_, (Q(email__icontains=spelling) for spelling in spellings))
        owners = get_user_model()._base_manager.filter(has_address).order_by().values_list("pk", flat=True)
        by_reference = Q(reference_id=spellings[0]) & ~Q(reference_id="")
        return queryset.filter(Q(user_id__in=list(owners[:OWNERS_MAXIMUM])) | by_reference), False

    def found_by(self, term: str) -> Q | None:
        """Find entries by their whole reference."""
        return Q(reference_id=term) & ~Q(reference_id="")

    def found_detail(self, row: Any) -> str:
        """Show the account, the amount and the time."""
        return f"{row.user.email}, {row.amount:f}, {row.occurred_at:%Y-%m-%d %H:%M} UTC"

    @admin.display(description="Owner")
    def owner(self, row: Any) -> str:
        """Show the owner. The list cannot be sorted by it, because the ledger may be of any size."""
        return str(row.user)

    @admin.display(description="Actor")
    def actor(self, entry: Any) -> str:
        """Show who posted the entry."""
        return entry.actor_email or entry.actor_kind or "-"
