"""The sessions' list and pages."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.authentication.admin.session_operations import END, END_EVERYWHERE
from apps.authentication.admin.session_state import LIVE, StateFilter, session_state
from apps.authentication.models import Session
from apps.core.admin.acting_staff import acting_staff
from apps.core.admin.operation_pages import OperationPages

BADGES = {LIVE: "active", "ended": "revoked", "expired": "expired"}


@admin.register(Session)
class SessionAdmin(OperationPages):
    """Finds where customers are signed in, and signs them out. Those of staff are seen by themselves and superusers."""

    operations = (END, END_EVERYWHERE)

    list_display = ("owner", "kind", "device", "ip_address", "created_at", "last_used_at", "state_badge")
    list_display_links = ("owner", "device")
    list_filter = (StateFilter, "kind")
    search_fields = ("user__email", "ip_address__startswith")
    search_help_text = "E-mail address, or how a client address begins"
    linked_lookups = ("user__id__exact",)
    ordering = ("-id",)
    fields = (
        ("owner_link", "kind", "state_badge"),
        ("device", "ip_address"),
        ("proven_by", "authenticated_at"),
        ("created_at", "last_used_at", "expires_at"),
        ("revoked_at", "revoked_reason"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the sessions that may be seen, with their owner and state."""
        sessions: QuerySet[Any] = super().get_queryset(request).annotate(state=session_state()).select_related("user")
        actor = acting_staff(request)
        if actor.is_superuser:
            return sessions
        return sessions.filter(Q(user__is_staff=False, user__is_superuser=False) | Q(user_id=actor.user_id))

    @admin.display(description="Owner", ordering="user__email")
    def owner(self, session: Any) -> str:
        """Show whose the session is."""
        return str(session.user.email)

    @admin.display(description="Owner")
    def owner_link(self, session: Any) -> SafeString:
        """Lead to whose the session is."""
        address = reverse("admin:users_user_change", args=[session.user_id])
        return format_html('<a href="{}">{}</a>', address, session.user)

    @admin.display(description="Device")
    def device(self, session: Any) -> str:
        """Show what the device has called itself."""
        return session.user_agent or "unknown"

    @admin.display(description="Proven by")
    def proven_by(self, session: Any) -> str:
        """Show by which methods its owner has proven who they are."""
        return ", ".join(session.methods) or "-"

    @admin.display(description="State", ordering="state")
    def state_badge(self, session: Any) -> SafeString:
        """Show the state in its colour."""
        return format_html('<span class="badge {}">{}</span>', BADGES[session.state], session.state.capitalize())

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """Show whose session it is, and the operations' buttons."""
        row = context["original"]
        context |= {"operation_tools": self.tools_for(request, row), "subtitle": str(row.user)}
        return super().render_change_form(request, context, *args, **options)

    def has_end_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let whoever may change sessions end them."""
        return super().has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave it to signing in."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave what is known of a session as it is."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave it to the clean-up, when nobody asks about it any more."""
        return False

    def _counted(self, number: int, rows: Any) -> str:
        return f"session of {rows[0].user}" if len(rows) == 1 else super()._counted(number, rows)
