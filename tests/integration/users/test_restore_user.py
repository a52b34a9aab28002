"""Deleting one's account, and `POST /api/v1/users/{id}/restore`."""

from datetime import timedelta

import httpx
import pytest
from django.db.models.functions import Now

from apps.authentication.models import Session
from apps.one_time_tokens.models import OneTimeToken
from apps.users.models import User
from tests.support.accounts import Account, audited, colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_key, make_user
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows, run_in_transaction

USERS = "/api/v1/users"
ANN = "ann@example.com"


async def deleted(api: httpx.AsyncClient) -> Account:
    me = await customer(email=ANN, password=PASSWORD)
    assert (await api.delete(f"{USERS}/{me.id}", headers=me.headers)).status_code == 204
    return me


async def restore(api: httpx.AsyncClient, user_id: int, staff: Account) -> httpx.Response:
    return await api.post(f"{USERS}/{user_id}/restore", headers=staff.headers)


async def test_deletion_voids_every_link_and_notifies_the_owner(api: httpx.AsyncClient, settings):
    settings.ERASE_AFTER_DAYS = 14
    me = await customer(email=ANN)
    await api.post("/api/v1/auth/forgot-password", json={"email": ANN})
    assert len(await rows(OneTimeToken.objects.all())) == 1
    await api.delete(f"{USERS}/{me.id}", headers=me.headers)
    assert await rows(OneTimeToken.objects.all()) == []
    message = (await make(letters_to, ANN))[-1]
    assert (message.kind, message.context) == ("account_deleted", {"days": "14", "message": ""})


async def test_deletion_needs_a_recent_authentication(api: httpx.AsyncClient):
    me = await customer()
    await run_in_transaction(Session.objects.update, authenticated_at=Now() - timedelta(minutes=11))
    assert_error(await api.delete(f"{USERS}/{me.id}", headers=me.headers), 401, "STEP_UP_REQUIRED")
    assert (await api.get(f"{USERS}/me", headers=me.headers)).status_code == 200


async def test_api_key_does_not_delete_its_owner(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user, scopes=["account:read", "account:write"])
    assert_error(await api.delete(f"{USERS}/{me.id}", headers=key.headers), 403, "FORBIDDEN")
    (user,) = await rows(User.objects.all())
    assert user.deleted_at is None


async def test_staff_restore_an_account_with_its_keys_and_without_its_sessions(api: httpx.AsyncClient):
    me, staff = await deleted(api), await colleague()
    key = await make(make_key, me.user, scopes=["account:read"])
    response = await restore(api, me.id, staff)
    assert (response.status_code, response.json()["email"], response.json()["is_active"]) == (200, ANN, True)
    assert (await api.get(f"{USERS}/me", headers=key.headers)).status_code == 200
    assert_error(await api.get(f"{USERS}/me", headers=me.headers), 401, "NOT_AUTHENTICATED")
    login = await api.post("/api/v1/auth/login", json={"email": ANN, "password": PASSWORD})
    assert login.status_code == 200
    assert ("user.restored", me.id, staff.id) in await audited()


async def test_account_whose_address_is_taken_is_not_restored(api: httpx.AsyncClient):
    me, staff = await deleted(api), await colleague()
    await make(make_user, email=ANN.upper())
    assert_error(await restore(api, me.id, staff), 409, "CONFLICT", field="email")
    (user,) = await rows(User.objects.filter(pk=me.id))
    assert (user.is_active, user.deleted_at is not None) == (False, True)


@pytest.mark.parametrize("state", [{}, {"deleted_at": Now(), "erased_at": Now()}])
async def test_account_that_is_not_deleted_or_is_erased_is_not_restored(api: httpx.AsyncClient, state):
    user, staff = await make(make_user, **state), await colleague()
    assert_error(await restore(api, user.pk, staff), 404, "NOT_FOUND")
    assert await audited() == []


async def test_only_staff_restore(api: httpx.AsyncClient):
    me, other = await deleted(api), await customer()
    assert_error(await restore(api, me.id, other), 403, "FORBIDDEN")
    assert_error(await restore(api, me.id, me), 401, "NOT_AUTHENTICATED")


async def test_giving_access_back_to_staff_needs_recent_authentication(api: httpx.AsyncClient):
    """A stolen session, or a key, would otherwise bring back an account whose credentials the thief knows."""
    boss, key_owner = await colleague(), await colleague()
    key = await make(make_key, key_owner.user, scopes=["customers:write", "customers:suspend", "staff:manage"])
    suspended, gone, person = await colleague("audit:read"), await colleague("audit:read"), await customer()
    for account in (suspended, person):
        path = f"{USERS}/{account.id}"
        assert (await api.patch(path, json={"is_active": False}, headers=boss.headers)).status_code == 200
    assert (await api.delete(f"{USERS}/{gone.id}", headers=boss.headers)).status_code == 204
    await run_in_transaction(Session.objects.update, authenticated_at=Now() - timedelta(minutes=11))
    back = {"is_active": True}
    assert_error(await api.patch(f"{USERS}/{suspended.id}", json=back, headers=boss.headers), 401, "STEP_UP_REQUIRED")
    assert_error(await restore(api, gone.id, boss), 401, "STEP_UP_REQUIRED")
    assert_error(await api.patch(f"{USERS}/{suspended.id}", json=back, headers=key.headers), 403, "FORBIDDEN")
    assert (await api.patch(f"{USERS}/{person.id}", json=back, headers=boss.headers)).status_code == 200
    await run_in_transaction(Session.objects.update, authenticated_at=Now())
    assert (await api.patch(f"{USERS}/{suspended.id}", json=back, headers=boss.headers)).status_code == 200
    assert (await restore(api, gone.id, boss)).status_code == 200
