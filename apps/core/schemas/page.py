"""Pages of a list."""

from collections.abc import Callable, Sequence
from typing import Annotated, Self, TypeVar

from pydantic import Field

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import NUMBER_TEXT

PAGE_MAXIMUM = 1_000_000
PAGE_SIZE_MAXIMUM = 100
PAGE_SIZE_DEFAULT = 20

Row = TypeVar("Row")


class PageQuery(RequestSchema):
    """The number of the page, starting at 1, and its size."""

    page: Annotated[int, Field(ge=1, le=PAGE_MAXIMUM), NUMBER_TEXT] = 1
    size: Annotated[int, Field(ge=1, le=PAGE_SIZE_MAXIMUM), NUMBER_TEXT] = PAGE_SIZE_DEFAULT

    @property
    def offset(self) -> int:
        """The number of items on the pages before this one."""
        return (self.page - 1) * self.size


class Page[Item](ResponseSchema):
    """One page of a list, with the total number of items and pages."""

    items: list[Item]
    total: int
    page: int
    size: int
    pages: int

    @classmethod
    def of(cls, rows: Sequence[Row], total: int, query: PageQuery, to_item: Callable[[Row], Item]) -> Self:
        """Return the page that `query` requests."""
        return cls(
            items=[to_item(row) for row in rows],
            total=total,
            page=query.page,
            size=query.size,
            pages=-(-total // query.size),
        )
