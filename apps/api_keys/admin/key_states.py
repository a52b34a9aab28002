"""The states of keys in the list and on their pages."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apps.api_keys.models import ApiKey, has_state
from apps.core.admin.keyhouse_model_admin import ModelAdminBase

SUSPENDED = ApiKey.State.OWNER_SUSPENDED


class StateFilter(SimpleListFilter):
    """Filters keys by state; deleted keys only when chosen. The rows are annotated with `state`."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the states."""
        return [(state.value, str(state.label).capitalize()) for state in ApiKey.State]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the keys in the chosen state."""
        state = self.value()
        if not state:
            return queryset.filter(deleted_at=None)
        return queryset.filter(has_state(state)) if state in ApiKey.State.values else queryset.none()

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Return the choices, the default under the name of the keys that it shows."""
        default, *others = super().choices(changelist)
        yield {**default, "display": "Not deleted"}
        yield from others


def state_badges(key: Any) -> SafeString:
    """Return the key's state in its colour, and that of its owner beside it, if it stops the key as well."""
    badges = [(key.state, ApiKey.State(key.state).label.capitalize())]
    if owner := owner_trouble(key.user):
        badges = [badge for badge in badges if badge[0] not in {ApiKey.State.ACTIVE, SUSPENDED}]
        badges.append((SUSPENDED, owner))
    return format_html_join(" ", '<span class="badge {}">{}</span>', badges)


def owner_trouble(owner: Any) -> str:
    """Return why the owner's keys cannot be used, or an empty string."""
    if owner.deleted_at is not None:
        return "Owner deleted"
    if not owner.is_active:
        return "Owner suspended"
    return "Owner locked" if owner.locked_until and owner.locked_until > timezone.now() else ""
