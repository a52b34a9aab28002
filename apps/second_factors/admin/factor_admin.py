"""The base of the factors' pages, to be read only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from apps.core.admin.generic_bases import ModelAdminBase


class FactorAdmin(ModelAdminBase):
    """Shows whose a factor is and when it was used; only its owner makes and removes it."""

    list_select_related = ("user",)
    search_fields = ("user__email",)
    search_help_text = "E-mail address"
    ordering = ("-id",)
    show_full_result_count = False
    list_per_page = 50

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Serve the list under the name of what it lists."""
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, {**title, **(extra_context or {})})

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
