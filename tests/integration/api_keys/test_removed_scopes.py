"""A scope that staff remove stays removed until its owner has authenticated again, whatever waits for the lock."""

import asyncio

import httpx

from apps.api_keys.models import ApiKey
from tests.support.assertions import assert_error
from tests.support.factories import make_key, make_staff, make_user
from tests.support.orm import make, rows
from tests.support.second_factors import let_proofs_grow_old
from tests.support.sessions import sign_in


async def test_a_customer_cannot_restore_a_scope_that_staff_remove(api: httpx.AsyncClient):
    owner, boss = await make(make_user), await make(make_staff)
    staff, customer = await make(sign_in, boss), await make(sign_in, owner)
    await let_proofs_grow_old()
    for _ in range(10):
        key = await make(make_key, owner, scopes=["keys:verify"])
        path = f"/api/v1/api-keys/{key.id}"
        removed, put_back = await asyncio.gather(
            api.patch(path, json={"scopes": []}, headers=staff),
            api.patch(path, json={"scopes": ["keys:verify"]}, headers=customer),
        )
        assert removed.status_code == 200
        assert put_back.status_code in {200, 401}
        (row,) = await rows(ApiKey.objects.filter(pk=key.id))
        assert row.scopes == []


async def test_a_key_cannot_rotate_one_with_more_scopes(api: httpx.AsyncClient):
    boss = await make(make_staff)
    weak = await make(make_key, boss, scopes=["account:read", "account:write"])
    strong = await make(make_key, boss, scopes=["customers:read", "keys:verify"])
    answer = await api.post(f"/api/v1/api-keys/{strong.id}/rotate", headers=weak.headers)
    assert_error(answer, 403, "INSUFFICIENT_SCOPES")
    (row,) = await rows(ApiKey.objects.filter(pk=strong.id).prefetch_related("secrets"))
    assert len(row.secrets.all()) == 1
