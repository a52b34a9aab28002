"""`POST /api/v1/auth/refresh`."""

from datetime import timedelta

import httpx
import jwt
import pytest
from django.utils import timezone

from apps.authentication.domain.refresh_token import RefreshToken, new_family
from apps.authentication.models import Session
from apps.core.authorization.catalogue import CATALOGUE
from apps.users.models import User
from tests.support.accounts import audited
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_user
from tests.support.orm import make, rows
from tests.support.sessions import age_rotations

REFRESH = "/api/v1/auth/refresh"
ME = "/api/v1/users/me"


async def pair_of(api: httpx.AsyncClient, **fields: bool) -> dict[str, str]:
    """Sign a new user in."""
    user = await make(make_user, PASSWORD, **fields)
    pair: dict[str, str] = (
        await api.post("/api/v1/auth/login", json={"email": user.email, "password": PASSWORD})
    ).json()
    return pair


async def refresh(api: httpx.AsyncClient, token: str) -> httpx.Response:
    return await api.post(REFRESH, json={"refresh_token": token})


async def status_of(api: httpx.AsyncClient, pair: dict[str, str]) -> int:
    """Return what the pair's access token is answered."""
    return (await api.get(ME, headers={"Authorization": f"Bearer {pair['access_token']}"})).status_code


async def scope_of(api: httpx.AsyncClient, **fields: bool) -> tuple[str, str]:
    """Return the scopes of the tokens that a new user's sign-in and the refresh after it give."""
    first = await pair_of(api, **fields)
    second = (await refresh(api, first["refresh_token"])).json()
    tokens = [pair["access_token"] for pair in (first, second)]
    before, after = [jwt.decode(token, options={"verify_signature": False})["scope"] for token in tokens]
    return before, after


async def only_session() -> Session:
    (session,) = await rows(Session.objects.all())
    return session


async def test_refresh_returns_a_new_pair_of_the_same_session(api: httpx.AsyncClient):
    first = await pair_of(api)
    response = await refresh(api, first["refresh_token"])
    second = response.json()
    assert response.status_code == 200
    assert set(second) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert second["refresh_token"] != first["refresh_token"]
    assert [await status_of(api, pair) for pair in (first, second)] == [200, 200]
    assert (await only_session()).generation == 1


async def test_access_tokens_list_the_scopes_of_their_user(api: httpx.AsyncClient):
    assert await scope_of(api) == ("account:read account:write",) * 2
    assert await scope_of(api, is_staff=True) == ("account:read account:write",) * 2  # being staff gives nothing
    assert await scope_of(api, is_staff=True, is_superuser=True) == (" ".join(CATALOGUE),) * 2


async def test_refresh_can_be_repeated(api: httpx.AsyncClient):
    pair = await pair_of(api)
    for _ in range(5):
        pair = (await refresh(api, pair["refresh_token"])).json()
    assert await status_of(api, pair) == 200
    assert (await only_session()).generation == 5


@pytest.mark.parametrize("turns", [2, 3])
async def test_spent_token_ends_the_session(api: httpx.AsyncClient, turns: int):
    first = newest = await pair_of(api)
    for _ in range(turns):
        newest = (await refresh(api, newest["refresh_token"])).json()
    await make(age_rotations, 10)
    assert_error(await refresh(api, first["refresh_token"]), 401, "NOT_AUTHENTICATED")
    assert_error(await refresh(api, newest["refresh_token"]), 401, "NOT_AUTHENTICATED")
    assert [await status_of(api, pair) for pair in (first, newest)] == [401, 401]
    session = await only_session()
    assert session.revoked_at is not None
    assert session.revoked_reason == "refresh token reused"
    assert [action for action, _, _ in await audited()] == ["session.started", "session.reuse_detected"]


async def test_reuse_ends_no_other_session(api: httpx.AsyncClient):
    first, other = await pair_of(api), await pair_of(api)
    second = (await refresh(api, first["refresh_token"])).json()
    await refresh(api, second["refresh_token"])
    await make(age_rotations, 10)
    assert_error(await refresh(api, first["refresh_token"]), 401, "NOT_AUTHENTICATED")
    assert await status_of(api, other) == 200
    assert (await refresh(api, other["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    "token", ["x", "rt_", "rt_" + "A" * 80, new_family().encode(), RefreshToken(b"x" * 24, 7).encode()], ids=range(5)
)
async def test_foreign_tokens_change_nothing(api: httpx.AsyncClient, token: str):
    pair = await pair_of(api)
    assert_error(await refresh(api, token), 401, "NOT_AUTHENTICATED")
    assert ((await only_session()).generation, await status_of(api, pair)) == (0, 200)


async def test_access_and_refresh_tokens_are_not_interchangeable(api: httpx.AsyncClient):
    pair = await pair_of(api)
    assert_error(await refresh(api, pair["access_token"]), 401, "NOT_AUTHENTICATED")
    response = await api.get(ME, headers={"Authorization": f"Bearer {pair['refresh_token']}"})
    assert_error(response, 401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("body", [{}, {"refresh_token": ""}, {"refresh_token": "x" * 501}, {"refresh_token": 5}])
async def test_malformed_request_is_rejected(api: httpx.AsyncClient, body: dict[str, object]):
    assert_error(await api.post(REFRESH, json=body), 422, "VALIDATION_FAILED", field="refresh_token")


async def test_expired_session_is_not_refreshed(api: httpx.AsyncClient):
    pair = await pair_of(api)
    await make(Session.objects.update, expires_at=timezone.now())
    assert_error(await refresh(api, pair["refresh_token"]), 401, "NOT_AUTHENTICATED")
    assert await status_of(api, pair) == 401


async def test_each_refresh_extends_the_session(api: httpx.AsyncClient):
    pair = await pair_of(api)
    await make(Session.objects.update, expires_at=timezone.now() + timedelta(minutes=1))
    assert (await refresh(api, pair["refresh_token"])).status_code == 200
    assert (await only_session()).expires_at > timezone.now() + timedelta(days=29)


@pytest.mark.parametrize("change", [{"is_active": False}, {"deleted_at": "2026-01-01T00:00:00Z"}])
async def test_unusable_account_is_not_refreshed(api: httpx.AsyncClient, change: dict[str, object]):
    pair = await pair_of(api)
    await make(User.objects.update, **change)
    assert_error(await refresh(api, pair["refresh_token"]), 401, "NOT_AUTHENTICATED")
    assert await status_of(api, pair) == 401
