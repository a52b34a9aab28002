"""The audit trail's list and pages, to be read only."""

import json
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.audit.admin.audit_filters import ActorKindFilter, OutcomeFilter, TargetKindFilter
from apps.audit.models import AuditEvent
from apps.core.admin.read_only_admin import ReadOnlyAdmin
from apps.core.authorization.principal import CredentialKind


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Finds who did what. The database itself refuses to change it."""

    list_display = ("occurred_at", "actor", "action", "outcome", "target", "address")
    list_display_links = ("occurred_at", "action")
    list_filter = (TargetKindFilter, ActorKindFilter, OutcomeFilter, "occurred_at")
    search_fields = ("action", "target_id__exact", "actor_id__exact", "subject_id__exact", "request_id__exact")
    search_help_text = "Action, number of the actor, of the account or of what was changed, or request id"
    linked_lookups = ("target_id", "subject_id", "actor_id")
    ordering = ("-id",)
    fields = (
        "occurred_at", "actor", "actor_kind", "action", "outcome", "target", "subject", "before_text", "after_text",
        "address", "user_agent", "request_id",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the events with their actors' addresses, of deleted accounts too."""
        actor = get_user_model()._base_manager.filter(pk=OuterRef("actor_id")).values("email")
        events: QuerySet[Any] = super().get_queryset(request).annotate(actor_email=Subquery(actor))
        return events

    @admin.display(description="Actor", ordering="actor_id")
    def actor(self, event: Any) -> str:
        """Show who did it; of somebody who has not signed in, nothing is known but the address."""
        if event.actor_id is None:
            return "operator" if event.actor_kind == CredentialKind.OPERATOR else "unknown"
        return event.actor_email or f"account {event.actor_id}"

    @admin.display(description="Target")
    def target(self, event: Any) -> str:
        """Show what it was done to."""
        return f"{event.target_kind.replace('_', ' ')} {event.target_id or ''}".strip()

    @admin.display(description="Account")
    def subject(self, event: Any) -> str:
        """Show which account it concerns."""
        return f"account {event.subject_id}" if event.subject_id else "-"

    @admin.display(description="IP address")
    def address(self, event: Any) -> str:
        """Show from where it was done."""
        return event.ip_address or "-"

    @admin.display(description="Before")
    def before_text(self, event: Any) -> SafeString:
        """Show what the changed fields held."""
        return _as_text(event.before)

    @admin.display(description="After")
    def after_text(self, event: Any) -> SafeString:
        """Show what the changed fields hold now."""
        return _as_text(event.after)


def _as_text(values: Any) -> SafeString:
    text = json.dumps(values, indent=2, ensure_ascii=False, sort_keys=True) if values else "-"
    return format_html('<pre class="json">{}</pre>', text)
