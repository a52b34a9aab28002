"""Responses that pydantic renders are those that Ninja would render, to the byte."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import ninja
import pytest
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Status
from ninja.testing import TestAsyncClient

from apps.core.http.json_codec import JsonRenderer
from apps.core.http.responses import Router
from apps.core.rate_limits.rate_limit import RateLimit
from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Amount, Timestamp
from apps.core.schemas.page import Page

pytestmark = pytest.mark.unit

METADATA: dict[str, Any] = {
    "texts": ["", "é", "\u2028", "😀", '"\\/', "\x00\x01\b\t\n\f\r\x1f\x7f"],
    "numbers": [0, -1, 2**63 - 1, 2**64 - 1, 0.1, -0.0, 1.0, 1e15, 1e16, 1e-7, 1.7976931348623157e308, 5e-324],
    "nested": [{}, [], {"a": [None, True, False]}],
}


class Item(ResponseSchema):
    id: int
    amount: Amount
    at: Timestamp | None
    metadata: dict[str, Any]
    rate_limits: list[RateLimit] = []
    nothing: str | None = None


ITEM = Item(
    id=7,
    amount=Decimal("1000.000001"),
    at=datetime(2026, 1, 2, 3, 4, 5, 678, UTC),
    metadata=METADATA,
    rate_limits=[RateLimit(name="minute", limit=10**12, period_seconds=60)],
)
PAGE = Page[Item](items=[ITEM, ITEM], total=2, page=1, size=20, pages=1)


def routed(router: ninja.Router) -> TestAsyncClient:
    @router.get("/item", response={200: Item})
    async def item(request: HttpRequest) -> Item:
        return ITEM

    @router.get("/list", response={200: Page[Item] | Item})
    async def listed(request: HttpRequest) -> Page[Item] | Item:
        return PAGE

    @router.get("/created", response={201: Item, 204: None})
    async def created(request: HttpRequest) -> Status[Item]:
        return Status(201, ITEM)

    @router.get("/none", response={201: Item, 204: None})
    async def none(request: HttpRequest) -> Status[None]:
        return Status(204, None)

    @router.get("/fields", response={200: Item}, exclude_none=True)
    async def fields(request: HttpRequest) -> Item:
        return ITEM.model_copy(update={"at": None})

    @router.get("/headers", response={200: Item})
    async def headers(request: HttpRequest, response: HttpResponse) -> Item:
        response["X-Of-Operation"] = "yes"
        return ITEM

    @router.get("/dictionary", response={200: Item})
    async def dictionary(request: HttpRequest) -> dict[str, Any]:
        return {**dict(ITEM), "unknown": 1}

    api = NinjaAPI(renderer=JsonRenderer(), urls_namespace=f"rendered {id(router)}")
    api.add_router("", router)
    return TestAsyncClient(api)


@pytest.mark.parametrize("path", ["item", "list", "created", "none", "fields", "headers", "dictionary"])
def test_response_is_that_of_ninja(path: str):
    ours, theirs = (
        asyncio.run(routed(router).get(f"/{path}", META={"QUERY_STRING": ""}))
        for router in (Router(auth=None), ninja.Router())
    )
    assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content)
    assert dict(ours.items()) == dict(theirs.items())
