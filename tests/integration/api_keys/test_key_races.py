"""Concurrent changes of keys, and the locks that serialise them."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.api_keys.schemas.api_key import ApiKeyCreate, ApiKeyUpdate
from apps.core.authorization.principal import Principal
from apps.plans.models import Plan
from tests.support.accounts import audited, customer
from tests.support.callers import session_of
from tests.support.captured_sql import captured
from tests.support.factories import make_key, make_user
from tests.support.orm import make, rows

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
