"""Concurrent changes of keys, and the locks that serialise them."""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from datetime import timedelta
from typing import Any

import httpx
import pytest

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.api_keys.repositories.key_secret_repository import KeySecretRepository
from apps.api_keys.schemas.api_key import ApiKeyCreate, ApiKeyUpdate
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.plans.models import Plan
from apps.users.repositories.user_repository import UserRepository
from tests.support.accounts import Account, audited, colleague, customer
from tests.support.callers import session_of
from tests.support.captured_sql import captured
from tests.support.factories import IssuedKey, make_key, make_user
from tests.support.orm import make, rows, until_a_lock_is_awaited

KEYS = "/api/v1/api-keys"
CHANGES: dict[str, tuple[Callable[[Principal, int], Any], list[str]]] = {
    "update": (
        lambda actor, key_id: api_key_service().update(actor, key_id, ApiKeyUpdate(name="new")),
        ["update api_keys"],
    ),
    "revoke": (lambda actor, key_id: api_key_service().revoke(actor, key_id), ["lock api_keys", "update api_keys"]),
    "rotate": (
        lambda actor, key_id: api_key_service().rotate(actor, key_id),
        ["update api_key_secrets", "insert api_key_secrets", "insert one_time_tokens", "insert outgoing_mails"],
    ),
    "delete": (lambda actor, key_id: api_key_service().delete(actor, key_id), ["lock api_keys", "update api_keys"]),
}


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_locks_the_account_before_the_key(change: str):
    key = await make(make_key)
    act, writes = CHANGES[change]
    with captured() as sql:
        await act(session_of(key.row.user_id), key.id)
    assert sql.changes == ["lock users", "lock api_keys", *writes]


@pytest.mark.usefixtures("database")
async def test_a_creation_locks_the_account_before_it_inserts():
    user = await make(make_user)
    with captured() as sql:
        await api_key_service().create(session_of(user.pk), user.pk, ApiKeyCreate(name="k"))
    message = ["insert one_time_tokens", "insert outgoing_mails"]
    assert sql.changes == ["lock users", "insert api_keys", "insert api_key_secrets", *message]


async def test_no_rotation_follows_a_revocation(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user)
    paths = ["rotate"] * 4 + ["revoke"] + ["rotate"] * 4
    answers = await asyncio.gather(*(api.post(f"{KEYS}/{key.id}/{path}", headers=me.headers) for path in paths))
    assert {answer.status_code for answer in answers} <= {200, 409}
    actions = [action for action, _, _ in await audited()]
    assert actions[-1] == "api_key.revoked"
    assert actions.count("api_key.rotated") == len(await rows(ApiKeySecret.objects.all())) - 1


async def test_concurrent_rotations_leave_one_secret_that_does_not_expire(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user)
    answers = await asyncio.gather(
        *(api.post(f"{KEYS}/{key.id}/rotate", json={"grace_seconds": 60}, headers=me.headers) for _ in range(5))
    )
    assert [answer.status_code for answer in answers] == [200] * 5
    secrets = await rows(ApiKeySecret.objects.order_by("-id"))
    assert [secret.expires_at is None for secret in secrets] == [True] + [False] * 5
    prefixes = {answer.json()["prefix"] for answer in answers}
    assert secrets[0].prefix in prefixes


async def test_concurrent_changes_of_different_fields_are_all_kept(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user)
    changes = [{"name": "new"}, {"description": "why"}, {"scopes": ["a:b"]}, {"is_active": False}, {"budget": "5"}]
    await asyncio.gather(*(api.patch(f"{KEYS}/{key.id}", json=change, headers=me.headers) for change in changes))
    (row,) = await rows(ApiKey.objects.all())
    assert (row.name, row.description, row.scopes, row.is_active) == ("new", "why", ["a:b"], False)
    assert row.budget == 5
    assert len(await audited()) == 5


async def test_revocation_allows_exactly_one_more_key(api: httpx.AsyncClient):
    plan = await make(Plan.objects.create, name="small", api_keys_maximum=2)
    me = await customer(plan=plan)
    keys = [await make(make_key, me.user) for _ in range(2)]
    creations = [api.post(KEYS, json={"name": "k"}, headers=me.headers) for _ in range(4)]
    revoked, *answers = await asyncio.gather(api.post(f"{KEYS}/{keys[0].id}/revoke", headers=me.headers), *creations)
    assert revoked.status_code == 200
    assert [answer.status_code for answer in answers].count(201) <= 1
    assert len(await rows(ApiKey.objects.filter(revoked_at=None))) <= 2


ACCOUNT = ["account:read", "account:write"]


async def _rotate_with(grace_seconds: int, key: ApiKey) -> None:
    await KeySecretRepository().expire_all(key, timedelta(seconds=grace_seconds))


async def _change(changes: dict[str, Any], key: ApiKey) -> None:
    await ApiKeyRepository().update(key, **changes)


# What the owner of a key does while a request of it waits, and the status codes of creating a key, rotating the key,
# rotating a key that it has created, and changing that.
MEANWHILE: dict[str, tuple[Callable[[ApiKey], Any], list[int]]] = {
    "rotated": (lambda key: _rotate_with(0, key), [401] * 4),
    "rotated with grace": (lambda key: _rotate_with(600, key), [403, 403, 403, 200]),
    "revoked": (lambda key: _change({"revoked_at": key.created_at}, key), [401] * 4),
    "disabled": (lambda key: _change({"is_active": False}, key), [401] * 4),
    "expired": (lambda key: _change({"expires_at": key.created_at}, key), [401] * 4),
    "narrowed": (lambda key: _change({"scopes": ACCOUNT[:1]}, key), [403] * 4),
    "renamed": (lambda key: _change({"name": "n"}, key), [201, 200, 200, 200]),
}


async def _while_it_waits(locked: Account, call: Any, key: IssuedKey, act: Callable[[ApiKey], Any]) -> httpx.Response:
    """Return the response to a call of the key that has authenticated before its owner acted on it."""
    outside = copy_context()
    async with transaction():
        await UserRepository().lock(locked.id)
        row = await ApiKeyRepository().lock(key.id)
        waiting = asyncio.create_task(call, context=outside)
        await until_a_lock_is_awaited()
        await act(row)
    response: httpx.Response = await waiting
    return response


@pytest.mark.parametrize("meanwhile", MEANWHILE)
@pytest.mark.parametrize("what", range(4), ids=["create", "rotate", "rotate created", "change"])
async def test_key_is_checked_again_under_the_lock(api: httpx.AsyncClient, meanwhile: str, what: int):
    me = await customer()
    key = await make(make_key, me.user, scopes=ACCOUNT)
    child = (await api.post(KEYS, json={"name": "k"}, headers=key.headers)).json()["id"]
    calls = [("POST", KEYS), ("POST", f"{KEYS}/{key.id}/rotate"), ("POST", f"{KEYS}/{child}/rotate")]
    method, path = [*calls, ("PATCH", f"{KEYS}/{child}")][what]
    before = len(await rows(ApiKeySecret.objects.all()))
    act, expected = MEANWHILE[meanwhile]
    call = api.request(method, path, json={} if path.endswith("rotate") else {"name": "x"}, headers=key.headers)
    response = await _while_it_waits(me, call, key, act)
    assert response.status_code == expected[what], response.text
    is_added = expected[what] < 400 and method == "POST"
    assert len(await rows(ApiKeySecret.objects.all())) == before + is_added
    if expected[what] >= 400:
        assert await rows(ApiKey.objects.filter(name="x")) == []


@pytest.mark.parametrize("how", ["create", "rotate"])
async def test_key_of_staff_is_checked_under_the_lock_of_its_own_account(api: httpx.AsyncClient, how: str):
    accounts = [await customer(), await colleague("keys:read", "keys:write"), await customer()]
    staff = accounts[1]
    key = await make(make_key, staff.user, scopes=[*ACCOUNT, "keys:read", "keys:write"])
    for other in (accounts[0], accounts[2]):  # before and after it in the order of locks
        path = f"/api/v1/users/{other.id}/api-keys"
        made = await api.post(path, json={"name": "k"}, headers=key.headers)
        assert made.status_code == 201, made.text
        if how == "rotate":
            path = f"{KEYS}/{made.json()['id']}/rotate"
        body = {} if how == "rotate" else {"name": "k"}
        call = api.post(path, json=body, headers=key.headers)
        response = await _while_it_waits(staff, call, key, lambda row: _rotate_with(600, row))
        assert response.status_code == 403, response.text
        await make(ApiKeySecret.objects.filter(api_key_id=key.id).update, expires_at=None)


async def test_of_concurrent_rotations_by_its_only_secret_one_succeeds(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user, scopes=ACCOUNT)
    path = f"{KEYS}/{key.id}/rotate"
    answers = await asyncio.gather(*(api.post(path, headers=key.headers) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 5
    newest = next(answer.json()["api_key"] for answer in answers if answer.status_code == 200)
    assert (await api.get(f"{KEYS}/{key.id}", headers={"X-API-Key": newest})).status_code == 200
