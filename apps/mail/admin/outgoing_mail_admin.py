"""The letters' list and pages, to be read only."""

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin.operation_pages import OperationPages
from apps.core.admin.read_only_admin import ReadOnlyAdmin
from apps.mail.admin.mail_operations import SEND_AGAIN
from apps.mail.admin.mail_state import MailStateFilter, state_of
from apps.mail.models import OutgoingMail

BADGES = {"sent": "active", "failed": "revoked", "waiting": "disabled"}


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin, OperationPages):
    """Finds out whether somebody's letter was sent. What it says is for its recipient alone."""

    operations = (SEND_AGAIN,)
    audit_kind = "outgoing_mail"
    verbs = ("view", "change")

    list_display = ("created_at", "recipient", "kind", "state_badge", "attempts", "error", "sent_at")
    list_display_links = ("created_at",)
    list_filter = (MailStateFilter, "created_at")
    search_fields = ("recipient", "user_id__exact", "key__exact")
    search_help_text = "Part of the recipient's address, the number of the account, or a whole key"
    linked_lookups = ("user_id",)
    ordering = ("-id",)
    fields = readonly_fields = (
        "recipient", "kind", "key", "account", "state_badge", "created_at", "expires_at", "attempts", "error", "due_at",
        "sent_at", "failed_at",
    )  # fmt: skip

    @admin.display(description="State")
    def state_badge(self, mail: Any) -> SafeString:
        """Show what became of it in its colour."""
        state = state_of(mail)
        return format_html('<span class="badge {}">{}</span>', BADGES[state], state.capitalize())

    @admin.display(description="Account number")
    def account(self, mail: Any) -> SafeString:
        """Lead to whose letter it is."""
        if mail.user_id is None:
            return SafeString("-")
        return format_html('<a href="{}">{}</a>', reverse("admin:users_user_change", args=[mail.user_id]), mail.user_id)
