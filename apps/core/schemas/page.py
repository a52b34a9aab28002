"""Pages of a list, by number or by cursor."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Annotated, Any, Self, TypeVar

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import BIGINT_MAXIMUM, NUMBER_TEXT

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


START = 0
POSITION_BYTES, CHECK_BYTES = 8, 4


def cursor_after(row_id: int) -> str:
    """Return the cursor of the rows that follow the row with this id. Clients must not rely on its content."""
    position = row_id.to_bytes(POSITION_BYTES)
    return urlsafe_b64encode(position + _check(position)).decode()


def _position(cursor: object) -> int:
    if cursor == "":
        return START
    try:
        content = urlsafe_b64decode(cursor) if isinstance(cursor, str) else b""
    except ValueError:
        content = b""
    # Only ids of this form come from Keyhouse; the rows are those that the caller may read, whatever the id.
    row_id = int.from_bytes(content[:POSITION_BYTES])
    if cursor != cursor_after(row_id) or not START < row_id <= BIGINT_MAXIMUM:
        raise ValueError("must be empty, or next_cursor of the previous response")
    return row_id


def _check(position: bytes) -> bytes:
    return sha256(b"cursor " + position).digest()[:CHECK_BYTES]


Cursor = Annotated[int, PlainValidator(_position), WithJsonSchema({"type": "string", "maxLength": 64})]


class CursorQuery(PageQuery):
    """The number of the page, or a `cursor`, and the size.

    An empty `cursor` returns the first items with `next_cursor`, which returns the next. The total is not counted.
    """

    cursor: Cursor | None = None

    @model_validator(mode="after")
    def _is_by_page_or_cursor(self) -> Self:
        if self.cursor is not None and "page" in self.model_fields_set:
            raise ValueError("must have either page or cursor, not both")
        return self


class CursorPage[Item](ResponseSchema):
    """A part of a list. `next_cursor` is the `cursor` of the next part, null after the last."""

    items: list[Item]
    next_cursor: str | None

    @classmethod
    def of(cls, rows: Sequence[Any], query: CursorQuery, to_item: Callable[[Any], Item]) -> Self:
        """Return the part that `query` requests; `rows` are up to one more than its size."""
        shown = rows[: query.size]
        next_cursor = cursor_after(shown[-1].pk) if len(rows) > query.size else None
        return cls(items=[to_item(row) for row in shown], next_cursor=next_cursor)


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
