"""Shows deleted rows when asked to."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.admin.generic_bases import ModelAdminBase


class DeletedFilter(SimpleListFilter):
    """Living rows unless the deleted ones are asked for."""

    title = "deletion"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the choices beside the usual one."""
        return [("yes", "Deleted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of the chosen kind."""
        return queryset.filter(deleted_at__isnull=self.value() != "yes")

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Name the usual choice after what it shows."""
        usual, *others = super().choices(changelist)
        yield {**usual, "display": "Not deleted"}
        yield from others
