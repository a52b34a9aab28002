"""Pages of a list that may have any number of rows."""

from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

if TYPE_CHECKING:
    PaginatorBase = Paginator[Any]
else:
    PaginatorBase = Paginator

ROWS_MAXIMUM = 10_000


class BoundedPaginator(PaginatorBase):
    """Leads to the first rows only, because counting them all would read the whole table for each page."""

    @cached_property
    def count(self) -> int:
        """How many rows the pages lead to."""
        rows: Any = self.object_list
        return int(rows.order_by()[:ROWS_MAXIMUM].count())
