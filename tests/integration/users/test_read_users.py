"""`GET /api/v1/users`, `/users/me` and `/users/{id}`."""

import httpx
import pytest

from apps.core.authorization.catalogue import STAFF_SCOPES
from tests.support.accounts import colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import make_key, make_user
from tests.support.orm import make

USERS = "/api/v1/users"


async def test_reads_one_s_own_account(api: httpx.AsyncClient):
    me = await customer(full_name="Ann", email="ann@example.com", username="ann", email_verified_at=None)
    mine, by_id = [await api.get(f"{USERS}/{which}", headers=me.headers) for which in ("me", me.id)]
    assert mine.status_code == 200
    assert mine.json() == by_id.json()
    assert mine.json() | {"created_at": "", "updated_at": ""} == {
        "id": me.id,
        "email": "ann@example.com",
        "pending_email": None,
        "username": "ann",
        "full_name": "Ann",
        "plan": "free",
        "is_active": True,
        "is_staff": False,
        "roles": [],
        "email_verified_at": None,
        "created_at": "",
        "updated_at": "",
        "last_login_at": None,
    }


async def test_api_key_reads_its_owner(api: httpx.AsyncClient):
    key, plain = await make(make_key, scopes=["account:read"]), await make(make_key, scopes=["mine"])
    for path in (USERS, f"{USERS}/me", f"{USERS}/{plain.row.user_id}"):
        assert_error(await api.get(path, headers=plain.headers), 403, "INSUFFICIENT_SCOPES")
    for headers in (key.headers, {"Authorization": f"Bearer {key.secret}"}):
        response = await api.get(f"{USERS}/me", headers=headers)
        assert (response.status_code, response.json()["id"]) == (200, key.row.user_id)


@pytest.mark.parametrize("path", [USERS, f"{USERS}/me", f"{USERS}/1", "/api/v1/api-keys", "/api/v1/auth/sessions"])
async def test_request_without_a_credential_is_rejected(api: httpx.AsyncClient, path: str):
    assert_error(await api.get(path), 401, "NOT_AUTHENTICATED")


async def test_only_staff_read_other_accounts(api: httpx.AsyncClient):
    me, other, staff = await customer(), await customer(), await colleague()
    assert_error(await api.get(f"{USERS}/{other.id}", headers=me.headers), 403, "FORBIDDEN")
    assert_error(await api.get(f"{USERS}/{2**62}", headers=me.headers), 403, "FORBIDDEN")
    assert (await api.get(f"{USERS}/{other.id}", headers=staff.headers)).json()["id"] == other.id
    assert_error(await api.get(f"{USERS}/{2**62}", headers=staff.headers), 404, "NOT_FOUND")


async def test_key_of_a_staff_member_reads_others_only_with_the_scope(api: httpx.AsyncClient):
    staff, other = await colleague(), await customer()
    plain = await make(make_key, staff.user)
    scoped = await make(make_key, staff.user, scopes=sorted(STAFF_SCOPES))
    assert_error(await api.get(f"{USERS}/{other.id}", headers=plain.headers), 403, "INSUFFICIENT_SCOPES")
    assert (await api.get(f"{USERS}/{other.id}", headers=scoped.headers)).status_code == 200


async def test_customers_list_only_themselves(api: httpx.AsyncClient):
    me, _ = await customer(), await customer()
    listed = (await api.get(USERS, headers=me.headers)).json()
    assert [item["id"] for item in listed["items"]] == [me.id]
    assert listed | {"items": []} == {"items": [], "total": 1, "page": 1, "size": 20, "pages": 1}


async def test_staff_page_through_all_accounts(api: httpx.AsyncClient):
    staff = await superuser()
    others = [await make(make_user) for _ in range(4)]
    pages = [(await api.get(f"{USERS}?size=2&page={page}", headers=staff.headers)).json() for page in (1, 2, 3, 4)]
    ids = [[item["id"] for item in page["items"]] for page in pages]
    everyone = [staff.id, *(user.pk for user in others)]
    assert ids == [everyone[:2], everyone[2:4], everyone[4:], []]
    assert {(page["total"], page["pages"], page["size"]) for page in pages} == {(5, 3, 2)}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=ann", {"ann", "joanna"}),
        ("search=ANN", {"ann", "joanna"}),
        ("search=bob@", {"bob"}),
        ("search=Smith", {"bob"}),
        ("search=%25", set()),
        ("search=_", set()),
        ("search=%27%3B--", set()),
        ("search=", {"ann", "joanna", "bob", "staff"}),
        ("is_active=false", {"bob"}),
        ("is_active=true", {"ann", "joanna", "staff"}),
        ("search=o&is_active=true", {"joanna", "ann", "staff"}),
    ],
)
async def test_staff_search(api: httpx.AsyncClient, query: str, found: set[str]):
    staff = await superuser(username="staff", email="staff@example.com")
    await make(make_user, username="ann", email="a@example.com")
    await make(make_user, username="joanna", email="j@example.com")
    await make(make_user, username="bob", email="bob@example.com", full_name="Bob Smith", is_active=False)
    await make(make_user, username="gone", email="gone@example.com", deleted_at="2026-01-01T00:00:00Z")
    listed = (await api.get(f"{USERS}?{query}", headers=staff.headers)).json()
    assert {item["username"] for item in listed["items"]} == found
    assert listed["total"] == len(found)


@pytest.mark.parametrize("query", ["search=a%00", "is_active=maybe", f"search={'x' * 255}"])
async def test_invalid_query_is_rejected(api: httpx.AsyncClient, query: str):
    staff = await superuser()
    response = await api.get(f"{USERS}?{query}", headers=staff.headers)
    assert_error(response, 422, "VALIDATION_FAILED", field=query.partition("=")[0])
