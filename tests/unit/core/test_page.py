"""Pages of a list."""

import pytest
from pydantic import ValidationError

from apps.core.schemas.page import Page, PageQuery

pytestmark = pytest.mark.unit


def test_default_page_is_the_first_twenty():
    query = PageQuery()
    assert (query.page, query.size, query.offset) == (1, 20, 0)


@pytest.mark.parametrize(
    ("page", "size", "offset"), [(1, 1, 0), (3, 10, 20), (2, 100, 100), (1_000_000, 100, 99_999_900)]
)
def test_offset_counts_items_on_earlier_pages(page, size, offset):
    assert PageQuery(page=page, size=size).offset == offset


@pytest.mark.parametrize("wrong", [{"page": 0}, {"page": -1}, {"page": 1_000_001}, {"size": 0}, {"size": 101}])
def test_page_and_size_outside_limits_are_rejected(wrong):
    with pytest.raises(ValidationError):
        PageQuery(**wrong)


@pytest.mark.parametrize(
    ("total", "size", "pages"), [(0, 20, 0), (1, 20, 1), (20, 20, 1), (21, 20, 2), (100, 1, 100), (101, 100, 2)]
)
def test_number_of_pages(total, size, pages):
    assert Page[int].of([], total, PageQuery(size=size), int).pages == pages


def test_rows_are_converted_to_items():
    page = Page[str].of([1, 2], 7, PageQuery(page=2, size=2), str)
    assert page.model_dump() == {"items": ["1", "2"], "total": 7, "page": 2, "size": 2, "pages": 4}
