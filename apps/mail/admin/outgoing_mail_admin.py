"""The letters' list and pages, to be read only."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from apps.core.admin.service_admin import ServiceAdmin
from apps.mail.admin.mail_operations import SEND_AGAIN
from apps.mail.admin.mail_state import MailStateFilter, state_of
from apps.mail.models import OutgoingMail


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ServiceAdmin):
    """Finds out whether somebody's letter was sent. What it says is for its recipient alone."""

    operations = (SEND_AGAIN,)
    audit_kind = "outgoing_mail"

    list_display = ("created_at", "recipient", "kind", "state", "attempts", "error", "sent_at")
    list_display_links = ("created_at",)
    list_filter = (MailStateFilter, "created_at")
    search_fields = ("recipient", "user_id__exact", "key__exact")
    search_help_text = "Part of the recipient's address, the number of the account, or a whole key"
    linked_lookups = ("user_id",)
    ordering = ("-id",)
    fields = readonly_fields = (
        "recipient", "kind", "key", "user_id", "state", "created_at", "expires_at", "attempts", "error", "due_at",
        "sent_at", "failed_at",
    )  # fmt: skip

    @admin.display(description="State")
    def state(self, mail: Any) -> str:
        """Show what became of it."""
        return state_of(mail)

    def has_resend_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let whoever may change letters have them sent again; they change nothing else of them."""
        return request.user.has_perm("mail.change_outgoingmail")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave writing to the services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave what was written as it was written."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave removing to `clean_up`."""
        return False

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuse."""
        raise PermissionDenied
