"""Pagination of lists without an upper bound on their rows."""

from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

if TYPE_CHECKING:
    PaginatorBase = Paginator[Any]
else:
    PaginatorBase = Paginator

ROWS_MAXIMUM = 10_000


class BoundedPaginator(PaginatorBase):
    """Paginates the first ROWS_MAXIMUM rows, because counting all of them would read the whole table for each page."""

    @cached_property
    def count(self) -> int:
        """The number of rows on all pages, at most ROWS_MAXIMUM."""
        rows: Any = self.object_list
        return int(rows.order_by()[:ROWS_MAXIMUM].count())
