"""The read-only list and pages of messages, and the operation that sends a message again."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin.keyhouse_model_admin import ModelAdminBase, ReadOnlyAdmin
from apps.core.admin.operation import Operation
from apps.core.admin.operation_pages import OperationPages
from apps.core.admin.staff_rights import PageScopes
from apps.core.authorization.catalogue import SYSTEM_READ, SYSTEM_WRITE
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service
from apps.mail.dependencies import message_service
from apps.mail.models import OutgoingMail

STATES: dict[str, dict[str, bool]] = {
    "sent": {"sent_at__isnull": False},
    "failed": {"failed_at__isnull": False},
    "waiting": {"sent_at__isnull": True, "failed_at__isnull": True},
}
BADGES = {"sent": "active", "failed": "revoked", "waiting": "disabled"}


def state_of(mail: OutgoingMail) -> str:
    """Return sent, failed or waiting."""
    if mail.sent_at is not None:
        return "sent"
    return "waiting" if mail.failed_at is None else "failed"


class MailStateFilter(SimpleListFilter):
    """Filters messages by state."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the states."""
        return [(state, state.capitalize()) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the messages in the chosen state."""
        return queryset.filter(**STATES.get(self.value() or "", {}))


def _has_failed(mail: OutgoingMail) -> bool:
    return mail.failed_at is not None and mail.context_encrypted is not None


def _send_again(actor: Principal, mail_id: int, _form: Form) -> None:
    call_service(message_service().send_again, actor, mail_id)


SEND_AGAIN = Operation(
    name="send_again",
    label="Send again",
    title="Send {rows} again",
    done="{rows} sent again",
    explanation="Keyhouse tries to send the message at once, and retries until the message expires.",
    perform=_send_again,
    applies=_has_failed,
)


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin, OperationPages):
    """Finds messages and whether they were sent. Their content is never shown: it is for the recipient only."""

    operations = (SEND_AGAIN,)
    audit_kind = "outgoing_mail"
    page_scopes = PageScopes(view=(SYSTEM_READ,), change=(SYSTEM_WRITE,))

    list_display = ("created_at", "recipient", "kind", "state_badge", "attempts", "error", "sent_at")
    list_display_links = ("created_at",)
    list_filter = (MailStateFilter, "created_at")
    search_fields = ("recipient", "user_id__exact", "key__exact")
    search_help_text = "Part of the recipient's e-mail address, the account's id, or a complete key"
    linked_lookups = ("user_id",)
    ordering = ("-id",)
    fields = readonly_fields = (
        "recipient", "kind", "key", "account", "state_badge", "created_at", "expires_at", "attempts", "error", "due_at",
        "sent_at", "failed_at",
    )  # fmt: skip

    @admin.display(description="State")
    def state_badge(self, mail: Any) -> SafeString:
        """Show the state in its colour."""
        state = state_of(mail)
        return format_html('<span class="badge {}">{}</span>', BADGES[state], state.capitalize())

    @admin.display(description="Account id")
    def account(self, mail: Any) -> SafeString:
        """Link to the account that the message concerns."""
        if mail.user_id is None:
            return SafeString("-")
        return format_html('<a href="{}">{}</a>', reverse("admin:customer", args=[mail.user_id]), mail.user_id)
