"""What became of a letter, in one word, and letters by that word."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.admin.generic_bases import ModelAdminBase
from apps.mail.models import OutgoingMail

STATES: dict[str, dict[str, bool]] = {
    "sent": {"sent_at__isnull": False},
    "failed": {"failed_at__isnull": False},
    "waiting": {"sent_at__isnull": True, "failed_at__isnull": True},
}


def state_of(mail: OutgoingMail) -> str:
    """Return sent, failed or waiting."""
    if mail.sent_at is not None:
        return "sent"
    return "waiting" if mail.failed_at is None else "failed"


class MailStateFilter(SimpleListFilter):
    """Letters of one state."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the states."""
        return [(state, state.capitalize()) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the letters of the chosen state."""
        return queryset.filter(**STATES.get(self.value() or "", {}))
