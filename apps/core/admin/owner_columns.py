"""Columns that say whose a row is."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin.keyhouse_model_admin import KeyhouseModelAdmin


class OwnerColumns(KeyhouseModelAdmin):
    """For rows with a `user`: its address in the list, and a link to its page. The account's page leads to the list."""

    linked_lookups = ("user__id__exact",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows with their owners."""
        return super().get_queryset(request).select_related("user")

    @admin.display(description="Owner", ordering="user__email")
    def owner(self, row: Any) -> str:
        """Show whose it is."""
        return str(row.user.email)

    @admin.display(description="Owner")
    def owner_link(self, row: Any) -> SafeString:
        """Lead to whose it is."""
        return format_html('<a href="{}">{}</a>', reverse("admin:users_user_change", args=[row.user_id]), row.user)
