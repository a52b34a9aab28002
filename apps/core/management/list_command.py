"""The base of commands that list something."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic import BaseModel

from apps.core.event_loop.sync_calls import call_service
from apps.core.management.service_command import ServiceCommand
from apps.core.schemas.page import PAGE_SIZE_MAXIMUM, Page, PageQuery


class ListCommand(ServiceCommand):
    """Prints one line for each item, its `columns` separated by tabs, or with `--json` one JSON object."""

    def run(self, options: dict[str, Any]) -> None:
        """Print the items."""
        for item in call_service(self.items, options):
            self.stdout.write(item.model_dump_json() if options["json"] else "\t".join(self.columns(item)))

    async def items(self, options: dict[str, Any]) -> Sequence[BaseModel]:
        """Return the items, in order."""
        raise NotImplementedError

    def columns(self, item: Any) -> Sequence[str]:
        """Return the columns of an item's line."""
        raise NotImplementedError


async def all_pages[Item](page: Callable[[PageQuery], Awaitable[Page[Item]]]) -> list[Item]:
    """Return the items of all pages that `page` returns."""
    items: list[Item] = []
    number = pages = 1
    while number <= pages:
        found = await page(PageQuery(page=number, size=PAGE_SIZE_MAXIMUM))
        items += found.items
        number, pages = number + 1, found.pages
    return items
