"""The list and pages of sessions, and the operations that end sessions."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.db.models.functions import Now
from django.forms import Form
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.authentication.dependencies import account_sessions, password_reset
from apps.authentication.models import Session
from apps.core.admin.account_links import customer_url
from apps.core.admin.keyhouse_model_admin import ModelAdminBase, ReadOnlyAdmin
from apps.core.admin.operation import Operation, add_operation
from apps.core.admin.operation_pages import OperationPages
from apps.core.admin.owner_columns import OwnerColumns, owner_id_of
from apps.core.admin.staff_rights import PageScopes, acting_staff
from apps.core.authorization.catalogue import CUSTOMERS_READ, SECURITY_READ, SECURITY_WRITE, STAFF_READ
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service

LIVE, ENDED, EXPIRED = "live", "ended", "expired"
BADGES = {LIVE: "active", ENDED: "revoked", EXPIRED: "expired"}


def _end(actor: Principal, session_id: int, _form: Form) -> None:
    call_service(account_sessions().end, actor, owner_id_of(Session, session_id), session_id)


def _end_everywhere(actor: Principal, session_id: int, _form: Form) -> None:
    call_service(account_sessions().end_all, actor, owner_id_of(Session, session_id))


def _is_live(session: Any) -> bool:
    return bool(session.state == LIVE)


END = Operation(
    name="end",
    label="End",
    title="End {rows}",
    done="{rows} ended",
    explanation="The session is refused from its next request on. The owner must sign in again.",
    perform=_end,
    applies=_is_live,
    is_dangerous=True,
)
END_EVERYWHERE = Operation(
    name="end_everywhere",
    label="End all sessions of the owner",
    title="End all sessions of {owner}",
    done="All sessions of {owner} ended",
    explanation="Every session of the owner, of the API and of the admin, is refused from its next request on.",
    perform=_end_everywhere,
    in_bulk=False,
    applies=_is_live,
    is_dangerous=True,
)


HAS_ENDED = Q(revoked_at__isnull=False) | Q(user__sessions_ended_at__gte=F("created_at")) | Q(user__is_active=False)
# As plain conditions, which PostgreSQL can estimate, unlike a comparison with the CASE below.
CONDITIONS = {
    LIVE: ~HAS_ENDED & Q(expires_at__gt=Now()),
    ENDED: HAS_ENDED,
    EXPIRED: ~HAS_ENDED & Q(expires_at__lte=Now()),
}


def session_state() -> Case:
    """Return the expression for a session's state: live, ended or expired."""
    return Case(
        When(HAS_ENDED, then=Value(ENDED)),
        When(expires_at__lte=Now(), then=Value(EXPIRED)),
        default=Value(LIVE),
        output_field=CharField(),
    )


class StateFilter(SimpleListFilter):
    """Filters sessions by state, live ones by default. The rows are annotated with `state`."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the choices besides the default."""
        return [(ENDED, "Ended"), (EXPIRED, "Expired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the sessions in the chosen state."""
        return queryset.filter(CONDITIONS.get(self.value() or LIVE, Q(pk__in=[])))

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Return the choices, the default under the name of the sessions that it shows."""
        default, *others = super().choices(changelist)
        yield {**default, "display": "Live"}
        yield from others


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin, OwnerColumns, OperationPages):
    """Finds and ends sessions. Those of other members of staff take the scope `staff:read`."""

    operations = (END, END_EVERYWHERE)
    audit_kind = "session"
    page_scopes = PageScopes(view=(SECURITY_READ,), change=(SECURITY_WRITE,))

    list_display = ("owner", "kind", "device", "address", "created_at", "last_used_at", "state_badge")
    list_display_links = ("owner", "device")
    list_filter = (StateFilter, "kind")
    search_fields = ("user__email", "ip_address__startswith")
    search_help_text = "E-mail address, or the start of a client address"
    ordering = ("-id",)
    fields = (
        ("owner_link", "kind", "state_badge"),
        ("device", "address"),
        ("authenticated_by", "authenticated_at"),
        ("created_at", "last_used_at", "expires_at"),
        ("revoked_at", "revoked_reason"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the sessions that the member of staff may see, with their owner and state."""
        sessions: QuerySet[Any] = super().get_queryset(request).annotate(state=session_state())
        actor = acting_staff(request)
        if actor.has_scope(STAFF_READ):
            return sessions
        return sessions.filter(Q(user__is_staff=False, user__is_superuser=False) | Q(user_id=actor.user_id))

    def page_around(self, request: HttpRequest, operation: Operation, row: Any) -> str:
        """Return to the sessions on the customer page of the owner."""
        if acting_staff(request).has_scope(CUSTOMERS_READ):
            return customer_url(request, row.user_id, "security")
        return super().page_around(request, operation, row)

    def subtitle_of(self, row: Any) -> str:
        """Return the owner."""
        return str(row.user)

    @admin.display(description="Device")
    def device(self, session: Any) -> str:
        """Show the user agent."""
        return session.user_agent or "unknown"

    @admin.display(description="IP address")
    def address(self, session: Any) -> str:
        """Show the client address."""
        return session.ip_address or "-"

    @admin.display(description="Authenticated by")
    def authenticated_by(self, session: Any) -> str:
        """Show the methods by which the owner has authenticated."""
        return ", ".join(session.methods) or "-"

    @admin.display(description="State")
    def state_badge(self, session: Any) -> SafeString:
        """Show the state in its colour."""
        return format_html('<span class="badge {}">{}</span>', BADGES[session.state], session.state.capitalize())

    def named(self, row: Any) -> str:
        """Return the name of the session for a message."""
        return f"the session of {row.user}"


def _send_reset(actor: Principal, user_id: int, _form: Form) -> None:
    call_service(password_reset().send, actor, user_id)


def _is_usable(user: Any) -> bool:
    return user.is_active and user.deleted_at is None


SEND_RESET = Operation(
    name="send-password-reset",
    label="Send a password reset message",
    title="Send a password reset message to {rows}",
    done="Password reset message sent to {rows}",
    explanation="The owner receives a message with a link that sets a new password. The link is valid for 30 minutes.",
    perform=_send_reset,
    scopes=(SECURITY_WRITE,),
    tab="security",
    applies=_is_usable,
)
add_operation("users.User", SEND_RESET)
