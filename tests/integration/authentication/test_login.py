"""`POST /api/v1/auth/login`, and the lockout."""

import asyncio
import logging
from datetime import timedelta

import httpx
import jwt
import pytest
from django.conf import settings
from django.db.models import F

from apps.authentication.models import LoginAttempt, Session
from apps.users.models import User
from config.asgi import application
from tests.support.accounts import audited
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_user
from tests.support.orm import make, rows

LOGIN = "/api/v1/auth/login"
EMAIL = "ivy@example.com"


def from_address(address: str) -> httpx.AsyncClient:
    """Return a client that comes from this address."""
    transport = httpx.ASGITransport(application, client=(address, 7))
    return httpx.AsyncClient(transport=transport, base_url="http://keyhouse.localhost")


async def sign_in(client: httpx.AsyncClient, password: str = PASSWORD, email: str = EMAIL) -> httpx.Response:
    return await client.post(LOGIN, json={"email": email, "password": password})


async def pairs() -> list[LoginAttempt]:
    """Return the counts of pairs, without those of accounts."""
    return await rows(LoginAttempt.objects.exclude(client_address="*"))


async def ivy() -> User:
    user: User = await make(make_user, PASSWORD, email=EMAIL)
    return user


@pytest.mark.parametrize("email", [EMAIL, "IVY@Example.COM", f"  {EMAIL} "])
async def test_login_returns_a_pair_that_works(api: httpx.AsyncClient, email: str):
    user = await ivy()
    response = await api.post(LOGIN, json={"email": email, "password": PASSWORD}, headers={"User-Agent": "phone"})
    pair = response.json()
    assert response.status_code == 200
    assert set(pair) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (pair["token_type"], pair["expires_in"]) == ("bearer", 900)
    me = await api.get("/api/v1/users/me", headers={"Authorization": f"Bearer {pair['access_token']}"})
    assert me.json()["id"] == user.pk
    assert me.json()["last_login_at"] is not None
    (session,) = await rows(Session.objects.all())
    assert (session.user_id, session.user_agent, session.ip_address) == (user.pk, "phone", "127.0.0.1")
    assert await audited() == [("session.started", session.pk, user.pk)]


async def test_passwords_do_not_expire(api: httpx.AsyncClient):
    long_ago = "2016-01-01T00:00:00Z"
    await make(make_user, PASSWORD, email=EMAIL)
    await make(User.objects.update, created_at=long_ago, updated_at=long_ago, last_login=long_ago)
    assert (await sign_in(api)).status_code == 200


async def test_tokens_are_not_stored(api: httpx.AsyncClient):
    await ivy()
    pair = (await sign_in(api)).json()
    (session,) = await rows(Session.objects.all())
    assert pair["refresh_token"][3:] not in repr(vars(session))
    assert pair["access_token"].rpartition(".")[2] not in repr(vars(session))


@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, "wrong"), ("nobody@example.com", PASSWORD), ("not an address", "x"), (EMAIL, PASSWORD.upper())],
)
async def test_wrong_credentials_are_answered_alike_and_start_nothing(
    api: httpx.AsyncClient, email: str, password: str
):
    user = await ivy()
    response = await sign_in(api, password, email)
    assert_error(response, 401, "WRONG_CREDENTIALS")
    assert response.json()["error"]["message"] == "The e-mail address or the password is wrong."
    assert await rows(Session.objects.all()) == []
    known = user.pk if email == EMAIL else None
    assert await audited() == [("password.refused", known, None)]


@pytest.mark.parametrize(
    "fields",
    [{"is_active": False}, {"deleted_at": "2026-01-01T00:00:00Z"}, {"locked_until": "2999-01-01T00:00:00Z"}],
    ids=["inactive", "deleted", "locked"],
)
async def test_unusable_account_is_answered_as_none(api: httpx.AsyncClient, fields: dict[str, object]):
    await make(make_user, PASSWORD, email=EMAIL, **fields)
    assert_error(await sign_in(api), 401, "WRONG_CREDENTIALS")
    assert await rows(Session.objects.all()) == []


async def test_account_without_a_password_cannot_sign_in(api: httpx.AsyncClient):
    user = await make(make_user, email=EMAIL)
    for password in ("!", user.password, "None", "decoy"):
        assert_error(await sign_in(api, password), 401, "WRONG_CREDENTIALS")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": EMAIL}, "password"),
        ({"password": "x"}, "email"),
        ({"email": EMAIL, "password": ""}, "password"),
        ({"email": EMAIL, "password": "x" * 257}, "password"),
        ({"email": EMAIL, "password": "a\x00"}, "password"),
        ({"email": "a\x00", "password": "x"}, "email"),
        ({"email": EMAIL, "password": "x", "otp": "1"}, "otp"),
        ({"email": EMAIL, "password": ["x"]}, "password"),
    ],
)
async def test_malformed_request_is_rejected(api: httpx.AsyncClient, body: dict[str, object], field: str):
    assert_error(await api.post(LOGIN, json=body), 422, "VALIDATION_FAILED", field=field)
    assert await rows(LoginAttempt.objects.all()) == []


async def test_five_wrong_passwords_lock_out_the_right_one(api: httpx.AsyncClient):
    await ivy()
    for _ in range(5):
        assert_error(await sign_in(api, "wrong"), 401, "WRONG_CREDENTIALS")
    locked = await sign_in(api)
    assert_error(locked, 429, "LOCKED_OUT")
    assert 1 <= int(locked.headers["retry-after"]) <= 30
    assert await rows(Session.objects.all()) == []


async def test_missing_account_is_locked_alike(api: httpx.AsyncClient):
    for _ in range(5):
        assert_error(await sign_in(api, "wrong", "nobody@example.com"), 401, "WRONG_CREDENTIALS")
    assert_error(await sign_in(api, "wrong", "nobody@example.com"), 429, "LOCKED_OUT")


async def test_only_the_pair_of_account_and_address_is_locked(api: httpx.AsyncClient):
    await ivy()
    await make(make_user, PASSWORD, email="bob@example.com")
    for _ in range(5):
        await sign_in(api, "wrong")
    assert_error(await sign_in(api), 429, "LOCKED_OUT")
    assert (await sign_in(api, email="bob@example.com")).status_code == 200
    async with from_address("192.0.2.1") as elsewhere:
        assert (await sign_in(elsewhere)).status_code == 200
    assert_error(await sign_in(api), 429, "LOCKED_OUT")


@pytest.mark.parametrize(
    "spelling", ["IVY@EXAMPLE.COM", " ivy@example.com", "\uff49\uff56\uff59@example.com", "ivy@ex\u00adample.com"]
)
async def test_another_spelling_of_the_address_does_not_evade_the_lock(api: httpx.AsyncClient, spelling: str):
    await ivy()
    for _ in range(5):
        await sign_in(api, "wrong")
    assert_error(await sign_in(api, PASSWORD, spelling), 429, "LOCKED_OUT")


async def test_concurrent_right_passwords_all_sign_in(api: httpx.AsyncClient):
    await ivy()
    answers = await asyncio.gather(*(sign_in(api) for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len(await rows(Session.objects.all())) == 20


async def test_right_password_among_concurrent_guesses_is_refused_after_the_lock(api: httpx.AsyncClient):
    await ivy()
    for _ in range(4):
        await sign_in(api, "wrong")
    answers = await asyncio.gather(*(sign_in(api, f"guess {number}") for number in range(10)), sign_in(api))
    assert sorted(answer.status_code for answer in answers[:-1]) == [401] + [429] * 9
    assert answers[-1].status_code == 429
    assert await rows(Session.objects.all()) == []


async def test_five_of_many_concurrent_guesses_are_answered(api: httpx.AsyncClient):
    await ivy()
    answers = await asyncio.gather(*(sign_in(api, f"guess {number}") for number in range(20)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 15
    (attempt,) = await pairs()
    assert attempt.failures == 5


async def test_right_password_resets_the_count(api: httpx.AsyncClient):
    await ivy()
    for _ in range(2):
        for _ in range(4):
            assert_error(await sign_in(api, "wrong"), 401, "WRONG_CREDENTIALS")
        assert (await sign_in(api)).status_code == 200
    assert [(pair.failures, pair.locked_until) for pair in await pairs()] == [(0, None)]


async def test_each_further_wrong_password_locks_for_longer(api: httpx.AsyncClient):
    await ivy()
    for _ in range(4):
        await sign_in(api, "wrong")
    for seconds in (30, 60, 120, 240, 480, 900, 900):
        assert_error(await sign_in(api, "wrong"), 401, "WRONG_CREDENTIALS")
        locked = await sign_in(api, "wrong")
        assert_error(locked, 429, "LOCKED_OUT")
        assert seconds - 5 <= int(locked.headers["retry-after"]) <= seconds
        await make(LoginAttempt.objects.update, locked_until=F("last_failed_at"))  # as if the time had passed
    assert (await sign_in(api)).status_code == 200


async def test_day_without_attempts_resets_the_count(api: httpx.AsyncClient):
    await ivy()
    for _ in range(4):
        await sign_in(api, "wrong")
    yesterday = F("last_failed_at") - timedelta(days=1, seconds=1)
    await make(LoginAttempt.objects.update, last_failed_at=yesterday)
    await sign_in(api, "wrong")
    (attempt,) = await pairs()
    assert (attempt.failures, attempt.locked_until) == (1, None)


async def test_lock_stores_no_address_in_clear(api: httpx.AsyncClient):
    await sign_in(api, "wrong")
    (attempt,) = await pairs()
    assert len(bytes(attempt.account_digest)) == 32
    assert "ivy" not in repr(vars(attempt))


async def test_secrets_do_not_reach_the_log(api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture):
    user = await ivy()
    with caplog.at_level(logging.DEBUG):
        pair = (await sign_in(api)).json()
        await sign_in(api, "hunter2")
        await api.post(LOGIN, json={"email": EMAIL, "password": ["hunter2"]})
    for secret in (PASSWORD, user.password, pair["access_token"], pair["refresh_token"], "hunter2"):
        assert secret not in caplog.text


async def test_token_verifies_offline_by_the_published_key(api: httpx.AsyncClient):
    user = await ivy()
    token = (await sign_in(api)).json()["access_token"]
    response = await api.get("/.well-known/jwks.json")
    assert (response.status_code, response.headers["cache-control"]) == (200, "public, max-age=300")
    (published,) = response.json()["keys"]
    assert set(published) == {"kty", "crv", "use", "alg", "kid", "x"}
    assert jwt.get_unverified_header(token)["kid"] == published["kid"]
    claims = jwt.decode(
        token, jwt.PyJWK(published), algorithms=["EdDSA"], audience="keyhouse", issuer=settings.TOKEN_ISSUER
    )
    assert claims["sub"] == str(user.pk)
