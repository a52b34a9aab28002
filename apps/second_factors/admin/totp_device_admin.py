"""The list and pages of the programs that show codes."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.second_factors.admin.factor_admin import FactorAdmin
from apps.second_factors.models import TotpDevice


@admin.register(TotpDevice)
class TotpDeviceAdmin(FactorAdmin):
    """Finds those that are confirmed. An account has one at most, and the audit trail tells of it as of the account."""

    audit_kind = "user"

    list_display = ("owner", "confirmed_at", "last_used_at")
    fields = ("owner_link", ("confirmed_at", "last_used_at"))

    def subtitle_of(self, row: Any) -> str:
        """Return whose device it is."""
        return str(row.user)

    def audit_target(self, row: Any) -> tuple[str, int]:
        """Return the account."""
        return self.audit_kind, row.user_id

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave out those that wait for their first code."""
        confirmed: QuerySet[Any] = super().get_queryset(request).filter(confirmed_at__isnull=False)
        return confirmed
