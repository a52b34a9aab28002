"""The read-only list and pages of audit events."""

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.audit.domain.audit_entry import Outcome
from apps.audit.models import AuditEvent
from apps.core.admin.keyhouse_model_admin import ModelAdminBase, ReadOnlyAdmin
from apps.core.admin.staff_rights import PageScopes
from apps.core.authorization.catalogue import AUDIT_READ
from apps.core.authorization.principal import CredentialKind
from apps.core.declarations import audit_kinds


class TargetKindFilter(SimpleListFilter):
    """Filters events by target kind. The kinds are declared: a query for them would read the whole table."""

    title = "target"
    parameter_name = "target_kind"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the kinds."""
        return [(kind.name, kind.label) for kind in audit_kinds().values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events about the chosen kind."""
        return queryset.filter(target_kind=self.value()) if self.value() else queryset


class ActorKindFilter(SimpleListFilter):
    """Filters events by the actor's kind of credential."""

    title = "credential"
    parameter_name = "actor_kind"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the kinds."""
        return [
            (CredentialKind.SESSION, "Session"),
            (CredentialKind.API_KEY, "API key"),
            (CredentialKind.OPERATOR, "Operator"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events by the chosen kind."""
        return queryset.filter(actor_kind=self.value()) if self.value() else queryset


class OutcomeFilter(SimpleListFilter):
    """Filters events by outcome."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the outcomes."""
        return [(outcome, outcome.capitalize()) for outcome in Outcome]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events with the chosen outcome."""
        return queryset.filter(outcome=self.value()) if self.value() else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Finds audit events. The database itself refuses to change them."""

    page_scopes = PageScopes(view=(AUDIT_READ,))

    list_display = ("occurred_at", "actor", "action", "outcome", "target", "address")
    list_display_links = ("occurred_at", "action")
    list_filter = (TargetKindFilter, ActorKindFilter, OutcomeFilter, "occurred_at")
    search_fields = ("action__exact", "target_id__exact", "actor_id__exact", "subject_id__exact", "request_id__exact")
    search_help_text = "Action such as role.created, id of the actor, of the account or of the target, or request id"
    linked_lookups = ("target_id", "subject_id", "actor_id")
    ordering = ("-id",)
    fields = (
        "occurred_at", "actor", "actor_kind", "action", "outcome", "target", "subject", "reason", "before_text",
        "after_text", "address", "user_agent", "request_id",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the events with the e-mail addresses of their actors, deleted accounts included."""
        actor = get_user_model()._base_manager.filter(pk=OuterRef("actor_id")).values("email")
        events: QuerySet[Any] = super().get_queryset(request).annotate(actor_email=Subquery(actor))
        return events

    def found_by(self, term: str) -> Q | None:
        """Find events by the id of the request that caused them."""
        return Q(request_id=term) & ~Q(request_id="")

    def found_detail(self, row: Any) -> str:
        """Show the target and the time."""
        return f"{self.target(row)}, {row.occurred_at:%Y-%m-%d %H:%M} UTC"

    @admin.display(description="Actor")
    def actor(self, event: Any) -> str:
        """Show the actor; an anonymous client is “unknown”."""
        if event.actor_id is None:
            return "operator" if event.actor_kind == CredentialKind.OPERATOR else "unknown"
        return event.actor_email or f"account {event.actor_id}"

    @admin.display(description="Target")
    def target(self, event: Any) -> str:
        """Show the target."""
        return f"{event.target_kind.replace('_', ' ')} {event.target_id or ''}".strip()

    @admin.display(description="Account")
    def subject(self, event: Any) -> str:
        """Show which account the event concerns."""
        return f"account {event.subject_id}" if event.subject_id else "-"

    @admin.display(description="IP address")
    def address(self, event: Any) -> str:
        """Show the actor's IP address."""
        return event.ip_address or "-"

    @admin.display(description="Before")
    def before_text(self, event: Any) -> SafeString:
        """Show the changed fields before the action."""
        return _as_text(event.before)

    @admin.display(description="After")
    def after_text(self, event: Any) -> SafeString:
        """Show the changed fields after the action."""
        return _as_text(event.after)


def _as_text(values: Any) -> SafeString:
    text = json.dumps(values, indent=2, ensure_ascii=False, sort_keys=True) if values else "-"
    return format_html('<pre class="json">{}</pre>', text)
