"""Filters of the admin's lists."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib.admin import FieldListFilter, SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.admin.keyhouse_model_admin import ModelAdminBase


class DeletedFilter(SimpleListFilter):
    """Shows rows that are not deleted by default, and deleted rows with `?deleted=yes`."""

    title = "deletion"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the choices besides the default."""
        return [("yes", "Deleted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that match the choice."""
        return queryset.filter(deleted_at__isnull=self.value() != "yes")

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Return the choices, the default under the name “Not deleted”."""
        default, *others = super().choices(changelist)
        yield {**default, "display": "Not deleted"}
        yield from others


class NamedFilter(FieldListFilter):
    """A mixin, placed before one of Django's filters, that sets its title: Django displays “By <name>”."""

    name: ClassVar[str]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = self.name
