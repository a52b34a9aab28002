"""The list and pages of the programs that show codes."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.second_factors.admin.factor_admin import FactorAdmin
from apps.second_factors.models import TotpDevice


@admin.register(TotpDevice)
class TotpDeviceAdmin(FactorAdmin):
    """Finds those that are confirmed."""

    list_display = ("owner", "confirmed_at", "last_used_at")
    fields = ("owner_link", ("confirmed_at", "last_used_at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave out those that wait for their first code."""
        confirmed: QuerySet[Any] = super().get_queryset(request).filter(confirmed_at__isnull=False)
        return confirmed
