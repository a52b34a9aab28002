"""The base of the factors' pages, to be read only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin.house_admin import HouseAdmin


class FactorAdmin(HouseAdmin):
    """Shows whose a factor is and when it was used; only its owner makes and removes it."""

    list_select_related = ("user",)
    search_fields = ("user__email",)
    search_help_text = "E-mail address"
    linked_lookups = ("user__id__exact",)
    ordering = ("-id",)

    @admin.display(description="Owner", ordering="user__email")
    def owner(self, factor: Any) -> str:
        """Show whose it is."""
        return str(factor.user.email)

    @admin.display(description="Owner")
    def owner_link(self, factor: Any) -> SafeString:
        """Lead to whose it is."""
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:users_user_change", args=[factor.user_id]), factor.user
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave it to its owner."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave it to its owner."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave it to its owner, and to the operation that removes all of somebody's factors."""
        return False
