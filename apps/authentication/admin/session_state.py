"""The state of a session in one word."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.db.models.functions import Now
from django.http import HttpRequest

from apps.core.admin.generic_bases import ModelAdminBase

LIVE, ENDED, EXPIRED = "live", "ended", "expired"


def session_state() -> Case:
    """Return the expression; a session from before its account was shut out is ended."""
    is_shut_out = Q(user__sessions_ended_at__gte=F("created_at")) | Q(user__is_active=False)
    return Case(
        When(Q(revoked_at__isnull=False) | is_shut_out, then=Value(ENDED)),
        When(expires_at__lte=Now(), then=Value(EXPIRED)),
        default=Value(LIVE),
        output_field=CharField(),
    )


class StateFilter(SimpleListFilter):
    """Live sessions unless others are asked for. The list's rows have `state`."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the choices beside the usual one."""
        return [(ENDED, "Ended"), (EXPIRED, "Expired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the sessions in the chosen state."""
        return queryset.filter(state=self.value() or LIVE)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Name the usual choice after what it shows."""
        usual, *others = super().choices(changelist)
        yield {**usual, "display": "Live"}
        yield from others
