"""`POST /api/v1/auth/reset-password`."""

import asyncio
from typing import Any

import httpx
import pytest
from django.db.models.functions import Now

from apps.authentication.dependencies import password_service
from apps.authentication.models import Session
from apps.core.authorization.principal import OPERATOR
from apps.one_time_tokens.models import OneTimeToken
from apps.users.models import User
from tests.support.accounts import audited, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_user
from tests.support.links import kinds_to, tokens_to
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows, run_in_transaction
from tests.support.second_factors import begin_sign_in, enrol_totp
from tests.support.sessions import sign_in

FORGOT, RESET, LOGIN = (f"/api/v1/auth/{name}" for name in ("forgot-password", "reset-password", "login"))
ANN = "ann@example.com"
NEW_PASSWORD = "another horse altogether"


async def link_of(api: httpx.AsyncClient, email: str = ANN) -> str:
    """Return the token of a new link for the account."""
    await api.post(FORGOT, json={"email": email})
    return (await tokens_to(email, "reset_password"))[-1]


async def reset(api: httpx.AsyncClient, token: str, password: str = NEW_PASSWORD, **more: Any) -> httpx.Response:
    return await api.post(RESET, json={"token": token, "new_password": password, **more})


async def login(api: httpx.AsyncClient, password: str) -> int:
    return (await api.post(LOGIN, json={"email": ANN, "password": password})).status_code


async def test_reset_sets_the_password_and_ends_every_session(api: httpx.AsyncClient):
    user = await make(make_user, PASSWORD, email=ANN)
    headers = await make(sign_in, user)
    response = await reset(api, await link_of(api))
    assert (response.status_code, response.json()) == (200, {"status": "ok", "api_keys": None, "revoked_api_keys": 0})
    assert_error(await api.get("/api/v1/users/me", headers=headers), 401, "NOT_AUTHENTICATED")
    assert [session.revoked_at is None for session in await rows(Session.objects.all())] == [False]
    assert await audited() == [("password.reset_asked", user.pk, None), ("user.password_reset", user.pk, user.pk)]
    assert (await login(api, PASSWORD), await login(api, NEW_PASSWORD)) == (401, 200)


async def test_reset_does_not_replace_the_second_factor(api: httpx.AsyncClient):
    me = await customer(email=ANN, password=PASSWORD)
    program, _ = await enrol_totp(api, me)
    assert (await reset(api, await link_of(api))).status_code == 200
    needed = await begin_sign_in(api, me, NEW_PASSWORD)
    assert [session for session in await rows(Session.objects.all()) if session.revoked_at is None] == []
    body = {"second_factor_token": needed["second_factor_token"], "code": program.code()}
    assert (await api.post("/api/v1/auth/second-factor", json=body)).status_code == 200


async def test_reset_notifies_the_owner_and_verifies_the_address(api: httpx.AsyncClient):
    await make(make_user, email=ANN)
    await reset(api, await link_of(api))
    notice = (await make(letters_to, ANN))[-1]
    assert (notice.kind, notice.context["what"]) == (
        "security_notice",
        "Your password was reset through a link in a mail.",
    )
    assert notice.context["address"] == "127.0.0.1"
    (user,) = await rows(User.objects.all())
    assert user.email_verified_at is not None


async def test_token_is_valid_once(api: httpx.AsyncClient):
    await make(make_user, email=ANN)
    token = await link_of(api)
    answers = await asyncio.gather(*(reset(api, token) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert_error(await reset(api, token, "yet another long sentence"), 400, "INVALID_TOKEN")
    assert await login(api, NEW_PASSWORD) == 200


@pytest.mark.parametrize("password", ["password", "short", ANN])
async def test_refused_password_leaves_the_token_valid(api: httpx.AsyncClient, password: str):
    await make(make_user, PASSWORD, email=ANN)
    token = await link_of(api)
    assert_error(await reset(api, token, password), 422, "VALIDATION_FAILED", field="new_password")
    assert await login(api, PASSWORD) == 200
    assert (await reset(api, token)).status_code == 200


async def _expire() -> None:
    await run_in_transaction(OneTimeToken.objects.update, expires_at=Now())


async def _delete() -> None:
    await run_in_transaction(User.objects.update, deleted_at=Now())


async def _deactivate() -> None:
    await run_in_transaction(User.objects.update, is_active=False)


async def _move() -> None:
    await run_in_transaction(User.objects.update, email="other@example.com")


async def _change_password() -> None:
    (user,) = await rows(User.objects.all())
    await password_service().set(OPERATOR, user.pk, "a password set meanwhile")


@pytest.mark.parametrize("meanwhile", [_expire, _delete, _deactivate, _move, _change_password])
async def test_outdated_token_is_rejected(api: httpx.AsyncClient, meanwhile):
    await make(make_user, PASSWORD, email=ANN)
    token = await link_of(api)
    await meanwhile()
    (before,) = await rows(User.objects.all())
    assert_error(await reset(api, token), 400, "INVALID_TOKEN")
    (after,) = await rows(User.objects.all())
    assert (after.password, after.email_verified_at) == (before.password, None)


async def test_token_of_another_purpose_is_rejected(api: httpx.AsyncClient):
    new = {"email": ANN, "username": "ann", "password": PASSWORD}
    await api.post("/api/v1/users", json=new)
    (token,) = await tokens_to(ANN, "verify_email")
    assert_error(await reset(api, token), 400, "INVALID_TOKEN")
    assert await login(api, PASSWORD) == 200


@pytest.mark.parametrize("more", [{"email": "other@example.com"}, {"user_id": 1}, {"is_staff": True}])
async def test_other_fields_are_rejected(api: httpx.AsyncClient, more: dict[str, Any]):
    await make(make_user, email=ANN)
    token = await link_of(api)
    assert_error(await reset(api, token, **more), 422, "VALIDATION_FAILED", field=next(iter(more)))
    assert (await reset(api, token)).status_code == 200


async def test_password_of_ten_megabytes_is_rejected_unread(api: httpx.AsyncClient):
    response = await reset(api, "x", "x" * 10_000_000)
    assert_error(response, 413, "PAYLOAD_TOO_LARGE")


async def test_changed_password_voids_every_link_of_the_account(api: httpx.AsyncClient):
    user = await make(make_user, PASSWORD, email=ANN)
    headers = await make(sign_in, user)
    await api.post("/api/v1/auth/verify-email/resend", headers=headers)
    await link_of(api)
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert (await api.post("/api/v1/auth/change-password", json=change, headers=headers)).status_code == 200
    assert await rows(OneTimeToken.objects.all()) == []
    assert (await kinds_to(ANN))[-1] == "security_notice"
