"""`DELETE /api/v1/users/{id}`."""

import httpx

from apps.api_keys.models import ApiKey
from apps.users.models import User
from tests.support.accounts import audited, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_key, make_service_key
from tests.support.orm import make, rows

USERS = "/api/v1/users"


async def test_every_credential_is_refused_immediately_and_rows_stay(api: httpx.AsyncClient):
    me, service = await customer(email="ann@example.com", password=PASSWORD), await make(make_service_key)
    key = await make(make_key, me.user)
    response = await api.delete(f"{USERS}/{me.id}", headers=me.headers)
    assert (response.status_code, response.content) == (204, b"")
    for headers in (me.headers, key.headers):
        assert_error(await api.get(f"{USERS}/me", headers=headers), 401, "NOT_AUTHENTICATED")
    login = await api.post("/api/v1/auth/login", json={"email": "ann@example.com", "password": PASSWORD})
    assert_error(login, 401, "WRONG_CREDENTIALS")
    verdict = await api.post("/api/v1/keys/verify", json={"key": key.secret}, headers=service.headers)
    assert (verdict.json()["valid"], verdict.json()["code"]) == (False, "FORBIDDEN")
    (user,) = await rows(User.objects.filter(pk=me.id))
    assert (user.is_active, user.deleted_at is not None) == (False, True)
    assert len(await rows(ApiKey.objects.filter(user_id=me.id))) == 1
    assert await audited() == [("user.deleted", me.id, me.id), ("password.refused", None, None)]


async def test_deleted_account_is_not_found(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    assert (await api.delete(f"{USERS}/{me.id}", headers=staff.headers)).status_code == 204
    assert_error(await api.get(f"{USERS}/{me.id}", headers=staff.headers), 404, "NOT_FOUND")
    assert_error(await api.delete(f"{USERS}/{me.id}", headers=staff.headers), 404, "NOT_FOUND")
    assert_error(await api.patch(f"{USERS}/{me.id}", json={"is_active": True}, headers=staff.headers), 404, "NOT_FOUND")
    listed = (await api.get(USERS, headers=staff.headers)).json()
    assert [item["id"] for item in listed["items"]] == [staff.id]


async def test_another_account_may_take_its_address(api: httpx.AsyncClient):
    me = await customer(email="ann@example.com", username="ann")
    await api.delete(f"{USERS}/{me.id}", headers=me.headers)
    new = {"email": "ANN@example.com", "username": "Ann", "password": PASSWORD}
    response = await api.post(USERS, json=new)
    assert response.status_code == 201
    assert response.json()["id"] != me.id
    login = await api.post("/api/v1/auth/login", json={"email": "ann@example.com", "password": PASSWORD})
    assert login.status_code == 200


async def test_account_of_another_customer_is_not_deleted(api: httpx.AsyncClient):
    me, other = await customer(), await customer()
    assert_error(await api.delete(f"{USERS}/{other.id}", headers=me.headers), 403, "FORBIDDEN")
    assert_error(await api.delete(f"{USERS}/{other.id}"), 401, "NOT_AUTHENTICATED")
    (user,) = await rows(User.objects.filter(pk=other.id))
    assert (user.is_active, user.deleted_at) == (True, None)
    assert await audited() == []


async def test_members_of_staff_cannot_remove_their_own_access(api: httpx.AsyncClient):
    me = await superuser()
    path = f"{USERS}/{me.id}"
    assert_error(await api.delete(path, headers=me.headers), 409, "CONFLICT")
    assert_error(await api.patch(path, json={"is_active": False}, headers=me.headers), 409, "CONFLICT")
    assert (await api.get(path, headers=me.headers)).json()["is_active"] is True
    assert await audited() == []
