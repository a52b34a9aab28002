"""A key has no scope that its owner does not hold: what an owner loses, its keys lose with the same commit."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import jwt
import pytest

from apps.api_keys.models import ApiKey
from apps.users.models import Role, RoleScope, User
from config.asgi import application, inline_operations
from tests.support.accounts import Account, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import IssuedKey, make_bare_key, make_key, make_staff, make_user
from tests.support.orm import make, rows
from tests.support.served import served
from tests.support.sessions import sign_in

NOT_FAST = {"Content-Type": "application/json; version=1"}  # the fast path knows no such parameter
VERIFY, BATCH = "/api/v1/keys/verify", "/api/v1/keys/verify-batch"
Demote = Callable[[httpx.AsyncClient, Account, User], Awaitable[Any]]


async def take_role(api: httpx.AsyncClient, boss: Account, owner: User) -> Any:
    return await api.patch(f"/api/v1/users/{owner.pk}", json={"roles": []}, headers=boss.headers)


async def empty_role(api: httpx.AsyncClient, boss: Account, owner: User) -> Any:
    (role,) = await rows(Role.objects.filter(name="service"))
    return await api.patch(f"/api/v1/roles/{role.pk}", json={"scopes": ["credits:hold"]}, headers=boss.headers)


async def take_staff(_api: httpx.AsyncClient, _boss: Account, owner: User) -> Any:
    await make(User.objects.filter(pk=owner.pk).update, is_staff=False)


async def take_superuser(_api: httpx.AsyncClient, _boss: Account, owner: User) -> Any:
    await make(User.objects.filter(pk=owner.pk).update, is_superuser=False)


async def take_staff_and_superuser(_api: httpx.AsyncClient, _boss: Account, owner: User) -> Any:
    await make(User.objects.filter(pk=owner.pk).update, is_staff=False, is_superuser=False)


def with_role() -> User:
    owner = make_user()
    owner.groups.add(Role.objects.get(name="service"))
    return owner


DEMOTIONS: dict[str, tuple[Callable[[], User], Demote]] = {
    "the role is taken": (with_role, take_role),
    "the role gives it no longer": (with_role, empty_role),
    "a superuser who is only staff": (make_staff, take_superuser),
    "a superuser who is no staff any more": (make_staff, take_staff),
    "neither superuser nor staff": (make_staff, take_staff_and_superuser),
}


@pytest.mark.parametrize("scopes", [["keys:verify"], ["keys:*"]])
@pytest.mark.parametrize(("make_owner", "demote"), DEMOTIONS.values(), ids=DEMOTIONS.keys())
async def test_a_demoted_key_is_refused_on_the_fast_path_and_elsewhere(
    api: httpx.AsyncClient, make_owner: Callable[[], User], demote: Demote, scopes: list[str]
):
    boss, owner, key = await superuser(), await make(make_owner), await make(make_key)
    service: IssuedKey = await make(make_bare_key, owner, scopes=[*scopes, "mine"])
    async with (
        served(application, inline_operations) as server,
        httpx.AsyncClient(base_url=server.url, headers={"Host": "keyhouse.localhost"}) as fast,
    ):
        requests = [
            lambda: fast.post(VERIFY, json={"key": key.secret}, headers=service.headers),
            lambda: api.post(VERIFY, json={"key": key.secret}, headers={**service.headers, **NOT_FAST}),
            lambda: api.post(BATCH, json={"items": [{"key": key.secret}]}, headers=service.headers),
        ]
        assert [(await send()).status_code for send in requests] == [200, 200, 200]
        answer = await demote(api, boss, owner)
        assert answer is None or answer.status_code == 200, answer.text
        for send in requests:
            assert_error(await send(), 403, "INSUFFICIENT_SCOPES")


async def seen(api: httpx.AsyncClient, boss: Account, key: IssuedKey, client: IssuedKey) -> dict[str, Any]:
    """Return the key's scopes as each place tells them."""
    own = (await api.get(f"/api/v1/api-keys/{key.id}", headers=boss.headers)).json()
    listed = (await api.get(f"/api/v1/users/{key.row.user_id}/api-keys", headers=boss.headers)).json()["items"][0]
    verdict = (await api.post(VERIFY, json={"key": key.secret}, headers=client.headers)).json()
    wish = {"key": key.secret, "scopes": ["keys:verify"]}
    sent = (await api.post(VERIFY, json=wish, headers=client.headers)).json()
    assert own["scopes"] == listed["scopes"] == verdict["scopes"]
    assert own["withheld_scopes"] == listed["withheld_scopes"]
    return {"scopes": own["scopes"], "withheld": own["withheld_scopes"], "code": sent["code"]}


async def test_all_operations_agree_about_the_scopes_of_a_key(api: httpx.AsyncClient):
    boss, owner = await superuser(), await make(with_role)
    key: IssuedKey = await make(make_bare_key, owner, scopes=["keys:*", "mine"])
    client: IssuedKey = await make(make_key, boss.user, scopes=["keys:verify"])
    whole = {"scopes": ["keys:*", "mine", "keys:verify"], "withheld": [], "code": "VALID"}
    assert await seen(api, boss, key, client) == whole
    await take_role(api, boss, owner)
    less = {"scopes": ["keys:*", "mine"], "withheld": ["keys:verify"], "code": "INSUFFICIENT_SCOPES"}
    assert await seen(api, boss, key, client) == less
    own_word = {"key": key.secret, "scopes": ["keys:mine", "mine"]}
    assert (await api.post(VERIFY, json=own_word, headers=client.headers)).json()["code"] == "VALID"
    await api.patch(f"/api/v1/users/{owner.pk}", json={"roles": ["service"]}, headers=boss.headers)
    assert await seen(api, boss, key, client) == whole
    (row,) = await rows(ApiKey.objects.filter(pk=key.id))
    assert row.scopes == ["keys:*", "mine"]


async def test_a_key_of_former_staff_keeps_only_its_owners_account(api: httpx.AsyncClient):
    staff, other = await make(make_staff), await customer()
    key: IssuedKey = await make(make_key, staff, scopes=["account:write", "account:read", "customers:read"])
    assert (await api.get(f"/api/v1/users/{other.id}", headers=key.headers)).status_code == 200
    await make(User.objects.filter(pk=staff.pk).update, is_staff=False)
    assert_error(await api.get(f"/api/v1/users/{other.id}", headers=key.headers), 403, "FORBIDDEN")
    mine = await api.patch("/api/v1/users/me", json={"full_name": "x"}, headers=key.headers)
    assert mine.status_code == 200


async def test_a_key_of_a_former_superuser_has_what_its_roles_give(api: httpx.AsyncClient):
    boss = await make(make_staff)
    key: IssuedKey = await make(make_key, boss, scopes=["staff:read", "staff:manage"])
    assert (await api.post("/api/v1/roles", json={"name": "a"}, headers=key.headers)).status_code == 201
    await make(User.objects.filter(pk=boss.pk).update, is_superuser=False)
    assert_error(await api.post("/api/v1/roles", json={"name": "b"}, headers=key.headers), 403, "INSUFFICIENT_SCOPES")
    await make(lambda: boss.groups.add(Role.objects.get(name="auditor")))
    assert (await api.get("/api/v1/roles", headers=key.headers)).status_code == 200


async def scope_claim(api: httpx.AsyncClient, refresh_token: str) -> tuple[str, str]:
    """Return the scopes of a new access token, and the next refresh token."""
    pair = (await api.post("/api/v1/auth/refresh", json={"refresh_token": refresh_token})).json()
    claims = jwt.decode(pair["access_token"], options={"verify_signature": False})
    return claims["scope"], pair["refresh_token"]


async def test_the_next_token_of_a_session_has_the_scopes_of_the_roles(api: httpx.AsyncClient):
    boss, key = await superuser(), await make(make_key)
    owner: User = await make(make_user, password="correct horse battery staple")
    await make(owner.groups.add, (await rows(Role.objects.filter(name="service")))[0])
    login = {"email": owner.email, "password": "correct horse battery staple"}
    pair = (await api.post("/api/v1/auth/login", json=login)).json()
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    assert jwt.decode(pair["access_token"], options={"verify_signature": False})["scope"] == (
        "account:read account:write keys:verify"
    )
    assert (await api.post(VERIFY, json={"key": key.secret}, headers=headers)).json()["code"] == "VALID"
    claim, refresh_token = await scope_claim(api, pair["refresh_token"])
    assert claim == "account:read account:write keys:verify"
    await take_role(api, boss, owner)
    assert_error(await api.post(VERIFY, json={"key": key.secret}, headers=headers), 403, "INSUFFICIENT_SCOPES")
    assert (await scope_claim(api, refresh_token))[0] == "account:read account:write"


async def test_former_staff_lose_their_rights_in_open_sessions(api: httpx.AsyncClient):
    staff, key = await make(make_staff), await make(make_key)
    headers = await make(sign_in, staff)
    assert (await api.post(VERIFY, json={"key": key.secret}, headers=headers)).status_code == 200
    await make(User.objects.filter(pk=staff.pk).update, is_staff=False)
    assert_error(await api.post(VERIFY, json={"key": key.secret}, headers=headers), 403, "INSUFFICIENT_SCOPES")


async def test_roles_of_other_accounts_give_nothing(api: httpx.AsyncClient):
    await make(with_role)
    service: IssuedKey = await make(make_bare_key, await make(make_user), scopes=["keys:verify"])
    answer = await api.post(VERIFY, json={"key": service.secret}, headers=service.headers)
    assert_error(answer, 403, "INSUFFICIENT_SCOPES")
    assert await rows(RoleScope.objects.filter(role__user=service.row.user_id)) == []
