"""The sessions' list and pages."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.authentication.admin.session_operations import END, END_EVERYWHERE
from apps.authentication.admin.session_state import LIVE, StateFilter, session_state
from apps.authentication.models import Session
from apps.core.admin.acting_staff import acting_staff
from apps.core.admin.operation_pages import OperationPages
from apps.core.admin.owner_columns import OwnerColumns
from apps.core.admin.read_only_admin import ReadOnlyAdmin

BADGES = {LIVE: "active", "ended": "revoked", "expired": "expired"}


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin, OwnerColumns, OperationPages):
    """Finds where customers are signed in, and signs them out. Those of staff are seen by themselves and superusers."""

    operations = (END, END_EVERYWHERE)
    audit_kind = "session"
    verbs = ("view", "change")

    list_display = ("owner", "kind", "device", "address", "created_at", "last_used_at", "state_badge")
    list_display_links = ("owner", "device")
    list_filter = (StateFilter, "kind")
    search_fields = ("user__email", "ip_address__startswith")
    search_help_text = "E-mail address, or how a client address begins"
    ordering = ("-id",)
    fields = (
        ("owner_link", "kind", "state_badge"),
        ("device", "address"),
        ("proven_by", "authenticated_at"),
        ("created_at", "last_used_at", "expires_at"),
        ("revoked_at", "revoked_reason"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the sessions that may be seen, with their owner and state."""
        sessions: QuerySet[Any] = super().get_queryset(request).annotate(state=session_state())
        actor = acting_staff(request)
        if actor.is_superuser:
            return sessions
        return sessions.filter(Q(user__is_staff=False, user__is_superuser=False) | Q(user_id=actor.user_id))

    def subtitle_of(self, row: Any) -> str:
        """Return whose session it is."""
        return str(row.user)

    @admin.display(description="Device")
    def device(self, session: Any) -> str:
        """Show what the device has called itself."""
        return session.user_agent or "unknown"

    @admin.display(description="IP address", ordering="ip_address")
    def address(self, session: Any) -> str:
        """Show from where it is used."""
        return session.ip_address or "-"

    @admin.display(description="Proven by")
    def proven_by(self, session: Any) -> str:
        """Show by which methods its owner has proven who they are."""
        return ", ".join(session.methods) or "-"

    @admin.display(description="State", ordering="state")
    def state_badge(self, session: Any) -> SafeString:
        """Show the state in its colour."""
        return format_html('<span class="badge {}">{}</span>', BADGES[session.state], session.state.capitalize())

    def named(self, row: Any) -> str:
        """Return what a sentence calls the session."""
        return f"the session of {row.user}"
