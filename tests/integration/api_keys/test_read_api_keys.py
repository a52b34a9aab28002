"""`GET /api/v1/api-keys`, `/api-keys/{id}` and `/users/{id}/api-keys`."""

import httpx

from tests.support.accounts import colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import add_secret, make_key
from tests.support.orm import make

KEYS = "/api/v1/api-keys"
MISSING = 2**62


async def test_keys_are_listed_in_order_by_page(api: httpx.AsyncClient):
    me, other = await customer(), await customer()
    mine = [(await make(make_key, me.user)).id for _ in range(3)]
    await make(make_key, other.user)
    first, second = [(await api.get(f"{KEYS}?size=2&page={page}", headers=me.headers)).json() for page in (1, 2)]
    assert [item["id"] for item in first["items"] + second["items"]] == mine
    assert first | {"items": []} == {"items": [], "total": 3, "page": 1, "size": 2, "pages": 2}
    assert "api_key" not in first["items"][0]


async def test_a_key_is_returned_with_its_newest_prefix_and_no_secret(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user, name="first")
    newest = await make(add_secret, key.row)
    response = await api.get(f"{KEYS}/{key.id}", headers=me.headers)
    assert (response.status_code, response.json()["name"], response.json()["prefix"]) == (200, "first", newest[:12])
    assert newest not in response.text
    assert key.secret not in response.text


async def test_keys_of_others_are_forbidden_and_unknown_keys_not_found(api: httpx.AsyncClient):
    me, other = await customer(), await customer()
    theirs = await make(make_key, other.user)
    assert_error(await api.get(f"{KEYS}/{theirs.id}", headers=me.headers), 403, "FORBIDDEN")
    assert_error(await api.get(f"{KEYS}/{MISSING}", headers=me.headers), 404, "NOT_FOUND")
    assert_error(await api.get(f"{KEYS}/{theirs.id}"), 401, "NOT_AUTHENTICATED")


async def test_a_key_reads_its_owners_keys(api: httpx.AsyncClient):
    key = await make(make_key, scopes=["account:read"])
    plain = await make(make_key)
    for path in (KEYS, f"{KEYS}/{plain.id}"):
        assert_error(await api.get(path, headers=plain.headers), 403, "INSUFFICIENT_SCOPES")
    assert (await api.get(KEYS, headers=key.headers)).json()["total"] == 1
    assert (await api.get(f"{KEYS}/{key.id}", headers=key.headers)).status_code == 200


async def test_staff_read_all_keys(api: httpx.AsyncClient):
    staff, other = await colleague(), await customer()
    theirs = await make(make_key, other.user)
    assert (await api.get(f"{KEYS}/{theirs.id}", headers=staff.headers)).json()["id"] == theirs.id
    listed = (await api.get(f"/api/v1/users/{other.id}/api-keys", headers=staff.headers)).json()
    assert [item["id"] for item in listed["items"]] == [theirs.id]
    assert (await api.get(KEYS, headers=staff.headers)).json()["total"] == 0
    missing = await api.get(f"/api/v1/users/{MISSING}/api-keys", headers=staff.headers)
    assert_error(missing, 404, "NOT_FOUND")


async def test_customers_list_only_their_own_keys(api: httpx.AsyncClient):
    me, other = await customer(), await customer()
    await make(make_key, me.user)
    assert (await api.get(f"/api/v1/users/{me.id}/api-keys", headers=me.headers)).json()["total"] == 1
    for user_id in (other.id, MISSING):
        response = await api.get(f"/api/v1/users/{user_id}/api-keys", headers=me.headers)
        assert_error(response, 403, "FORBIDDEN")
