"""`GET /api/v1/credits/approvals`."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.integration.credits.approvals import APPROVALS, LIMIT, scene
from tests.support.accounts import colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import make_key
from tests.support.orm import make


@pytest.fixture(autouse=True)
def _limit(settings) -> None:
    settings.CREDIT_APPROVAL_ABOVE = Decimal(LIMIT)


async def test_approvals_are_listed_newest_first_by_page_and_by_cursor(api: httpx.AsyncClient):
    here = await scene(api)
    asked = [await here.asked(reference_id=f"case {number}") for number in range(5)]
    headers = here.decider.headers
    page = (await api.get(APPROVALS, params={"size": 2, "page": 2}, headers=headers)).json()
    assert (page["items"], page["total"], page["pages"]) == ([asked[2], asked[1]], 5, 3)
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        part = (await api.get(APPROVALS, params={"size": 2, "cursor": cursor}, headers=headers)).json()
        assert len(part["items"]) <= 2
        found += part["items"]
        cursor = part["next_cursor"]
    assert found == asked[::-1]


async def test_approvals_are_filtered_by_customer_and_state(api: httpx.AsyncClient):
    here, other = await scene(api), await customer()
    mine, theirs = await here.asked(), await here.asked(user_id=other.id)
    await here.approve(theirs["id"])
    queries: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [theirs["id"], mine["id"]]),
        ({"user_id": here.customer.id}, [mine["id"]]),
        ({"state": "approved"}, [theirs["id"]]),
        ({"state": "pending"}, [mine["id"]]),
        ({"state": "refused"}, []),
        ({"state": "approved", "user_id": here.customer.id}, []),
    ]
    for query, ids in queries:
        for sent in (query, {**query, "cursor": ""}):
            listed = await api.get(APPROVALS, params=sent, headers=here.decider.headers)
            assert [item["id"] for item in listed.json()["items"]] == ids, query
    for query, field in (({"state": "open"}, "state"), ({"user_id": "x"}, "user_id"), ({"cursor": "x"}, "cursor")):
        refused = await api.get(APPROVALS, params=query, headers=here.decider.headers)
        assert_error(refused, 422, "VALIDATION_FAILED", field=field)


async def test_only_staff_who_read_credits_read_approvals(api: httpx.AsyncClient):
    here = await scene(api)
    pending = await here.asked()
    own = await make(make_key, here.customer.user, scopes=["account:read"])
    for caller, code in (
        (here.customer, "FORBIDDEN"),
        (own, "FORBIDDEN"),
        (await colleague("credits:grant", "credits:adjust"), "INSUFFICIENT_SCOPES"),
    ):
        for url in (APPROVALS, f"{APPROVALS}?user_id={here.customer.id}", f"{APPROVALS}/{pending['id']}"):
            assert_error(await api.get(url, headers=caller.headers), 403, code)
    reader = await make(make_key, here.decider.user, scopes=["credits:read"])
    assert (await api.get(f"{APPROVALS}/{pending['id']}", headers=reader.headers)).json() == pending
    assert_error(await api.get(f"{APPROVALS}/{10**9}", headers=reader.headers), 404, "NOT_FOUND")


async def test_the_customer_sees_nothing_of_an_approval(api: httpx.AsyncClient):
    here = await scene(api)
    await here.refuse((await here.asked(reason="internal words"))["id"], reason="internal too")
    for path in ("/credits/transactions", "/users/me/export", "/auth/events"):
        shown = await api.get(f"/api/v1{path}", headers=here.customer.headers)
        assert shown.status_code == 200
        assert "internal" not in shown.text
        assert "approval" not in shown.text
