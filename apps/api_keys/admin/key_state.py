"""The state of a key in one word, as verification sees it."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import Case, CharField, QuerySet, Value, When
from django.db.models.functions import Now
from django.http import HttpRequest

from apps.core.admin.generic_bases import ModelAdminBase

ACTIVE, DISABLED, EXPIRED, REVOKED, DELETED = "active", "disabled", "expired", "revoked", "deleted"


def key_state() -> Case:
    """Return the expression, in the order in which verification decides."""
    return Case(
        When(deleted_at__isnull=False, then=Value(DELETED)),
        When(revoked_at__isnull=False, then=Value(REVOKED)),
        When(is_active=False, then=Value(DISABLED)),
        When(expires_at__lte=Now(), then=Value(EXPIRED)),
        default=Value(ACTIVE),
        output_field=CharField(),
    )


class StateFilter(SimpleListFilter):
    """Keys in one state; deleted ones only when they are asked for. The list's rows have `state`."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the states."""
        return [(state, state.capitalize()) for state in (ACTIVE, DISABLED, EXPIRED, REVOKED, DELETED)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the keys in the chosen state."""
        return queryset.filter(state=self.value()) if self.value() else queryset.filter(deleted_at=None)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Name the usual choice after what it shows."""
        usual, *others = super().choices(changelist)
        yield {**usual, "display": "Not deleted"}
        yield from others
