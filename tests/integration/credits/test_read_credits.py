"""`GET /api/v1/credits/balance` and `/credits/transactions`."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from apps.credits.models import CreditTransaction
from tests.support.accounts import colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import make_key
from tests.support.orm import make

BALANCE = "/api/v1/credits/balance"
LEDGER = "/api/v1/credits/transactions"
BOTH = pytest.mark.parametrize("path", [BALANCE, LEDGER])


async def post(api: httpx.AsyncClient, headers: dict[str, str], user_id: int, **fields: Any) -> dict[str, Any]:
    response = await api.post(f"/api/v1/users/{user_id}/credits", json={"amount": "10", **fields}, headers=headers)
    assert response.status_code == 201, response.text
    posted: dict[str, Any] = response.json()
    return posted


async def test_a_new_account_has_no_credits(api: httpx.AsyncClient):
    me = await customer()
    balance, ledger = [await api.get(path, headers=me.headers) for path in (BALANCE, LEDGER)]
    assert (balance.status_code, balance.json()) == (200, {"user_id": me.id, "balance": "0.000000"})
    assert ledger.json() == {"items": [], "total": 0, "page": 1, "size": 20, "pages": 0}


async def test_customers_see_their_own_credits_and_staff_see_all(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    posted = await post(api, staff.headers, me.id, reference_id="invoice 7", description="paid")
    for headers, query in ((me.headers, {}), (me.headers, {"user_id": me.id}), (staff.headers, {"user_id": me.id})):
        balance = await api.get(BALANCE, params=query, headers=headers)
        assert balance.json() == {"user_id": me.id, "balance": "10.000000"}
        ledger = await api.get(LEDGER, params=query, headers=headers)
        assert (ledger.json()["total"], ledger.json()["items"]) == (1, [posted])
    assert (await api.get(BALANCE, headers=staff.headers)).json()["balance"] == "0.000000"


async def test_a_key_reads_its_owners_credits(api: httpx.AsyncClient):
    me = await customer()
    key, plain = await make(make_key, me.user, scopes=["account:read"]), await make(make_key, me.user)
    for path in (BALANCE, LEDGER):
        assert_error(await api.get(path, headers=plain.headers), 403, "INSUFFICIENT_SCOPES")
    assert (await api.get(BALANCE, headers=key.headers)).json()["user_id"] == me.id
    assert (await api.get(LEDGER, headers=key.headers)).status_code == 200


@BOTH
async def test_others_are_refused(api: httpx.AsyncClient, path: str):
    me, other, staff = await customer(), await customer(), await colleague()
    assert_error(await api.get(path), 401, "NOT_AUTHENTICATED")
    assert_error(await api.get(path, params={"user_id": other.id}, headers=me.headers), 403, "FORBIDDEN")
    assert_error(await api.get(path, params={"user_id": 10**9}, headers=me.headers), 403, "FORBIDDEN")
    assert_error(await api.get(path, params={"user_id": 10**9}, headers=staff.headers), 404, "NOT_FOUND")


@BOTH
@pytest.mark.parametrize("user_id", ["0", "-1", "x", "1.5", str(2**63), ""])
async def test_a_malformed_user_id_is_rejected(api: httpx.AsyncClient, path: str, user_id: str):
    staff = await colleague()
    response = await api.get(path, params={"user_id": user_id}, headers=staff.headers)
    assert_error(response, 422, "VALIDATION_FAILED", field="user_id")


@pytest.mark.parametrize("query", [{"type": "gift"}, {"type": ""}, {"page": 0}, {"size": 101}])
async def test_a_malformed_query_is_rejected(api: httpx.AsyncClient, query: dict[str, Any]):
    me = await customer()
    (field,) = query
    assert_error(await api.get(LEDGER, params=query, headers=me.headers), 422, "VALIDATION_FAILED", field=field)


async def test_a_ledger_is_paged_newest_first_and_filtered_by_type(api: httpx.AsyncClient):
    me, other, staff = await customer(), await customer(), await colleague()
    await post(api, staff.headers, other.id)
    ids = [(await post(api, staff.headers, me.id, amount=str(number)))["id"] for number in range(1, 6)]
    refund = await post(api, staff.headers, me.id, type="refund")

    async def ledger(**query: Any) -> tuple[list[int], int]:
        page = (await api.get(LEDGER, params=query, headers=me.headers)).json()
        return [item["id"] for item in page["items"]], page["total"]

    assert await ledger(size=2) == ([refund["id"], ids[-1]], 6)
    assert await ledger(size=2, page=3) == ([ids[1], ids[0]], 6)
    assert await ledger(size=2, page=4) == ([], 6)
    assert await ledger(type="refund") == ([refund["id"]], 1)
    assert await ledger(type="top_up") == (ids[::-1], 5)
    assert await ledger(type="usage") == ([], 0)


async def test_usage_entries_are_shown(api: httpx.AsyncClient):
    me = await customer()
    fields = {"user_id": me.id, "type": "usage", "amount": Decimal("-0.25"), "balance_after": Decimal("1.75")}
    entry = await make(CreditTransaction.objects.create, **fields)
    (shown,) = (await api.get(LEDGER, headers=me.headers)).json()["items"]
    assert {name: shown[name] for name in ("id", "type", "amount", "balance_after")} == {
        "id": entry.pk,
        "type": "usage",
        "amount": "-0.250000",
        "balance_after": "1.750000",
    }
    assert (shown["description"], shown["reference_id"], shown["actor_id"]) == ("", None, None)
