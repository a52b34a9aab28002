"""`POST /api/v1/auth/verify-email` and `/auth/verify-email/resend`."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from django.db.models.functions import Now

from apps.one_time_tokens.dependencies import tokens_for
from apps.one_time_tokens.models import OneTimeToken
from apps.users.models import User
from tests.support.accounts import audited, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_key, make_user
from tests.support.links import kinds_to, tokens_to
from tests.support.mailbox import age_messages, letters_to
from tests.support.orm import make, rows, run_in_transaction

VERIFY, RESEND = "/api/v1/auth/verify-email", "/api/v1/auth/verify-email/resend"
ANN = "ann@example.com"
NEW = {"email": ANN, "username": "ann", "password": PASSWORD}


async def verify(api: httpx.AsyncClient, token: str, password: str = PASSWORD) -> httpx.Response:
    return await api.post(VERIFY, json={"token": token, "password": password})


async def is_verified(email: str = ANN) -> bool:
    (user,) = await rows(User.objects.filter(email=email))
    return user.email_verified_at is not None


async def test_sign_up_sends_a_link_that_verifies_the_address_once(api: httpx.AsyncClient):
    user = (await api.post("/api/v1/users", json=NEW)).json()
    assert user["email_verified_at"] is None
    (token,) = await tokens_to(ANN, "verify_email")
    response = await verify(api, token)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert await is_verified()
    assert await audited() == [
        ("user.created", user["id"], user["id"]),
        ("user.email_verified", user["id"], user["id"]),
    ]
    assert_error(await verify(api, token), 400, "INVALID_TOKEN")


async def test_one_of_many_concurrent_requests_verifies(api: httpx.AsyncClient):
    await api.post("/api/v1/users", json=NEW)
    (token,) = await tokens_to(ANN, "verify_email")
    answers = await asyncio.gather(*(verify(api, token) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 5]


async def test_link_without_the_password_verifies_nothing(api: httpx.AsyncClient):
    await api.post("/api/v1/users", json=NEW)
    (token,) = await tokens_to(ANN, "verify_email")
    for _ in range(4):
        assert_error(await verify(api, token, "not the password"), 400, "WRONG_PASSWORD")
    assert not await is_verified()
    assert (await verify(api, token)).status_code == 200


async def test_five_wrong_passwords_void_the_link(api: httpx.AsyncClient):
    await api.post("/api/v1/users", json=NEW)
    (token,) = await tokens_to(ANN, "verify_email")
    for _ in range(5):
        await verify(api, token, "not the password")
    assert_error(await verify(api, token), 400, "INVALID_TOKEN")
    assert not await is_verified()


async def test_link_of_an_account_without_a_password_verifies_nothing(api: httpx.AsyncClient):
    me = await customer(email=ANN, email_verified_at=None)
    await api.post(RESEND, headers=me.headers)
    (token,) = await tokens_to(ANN, "verify_email")
    assert_error(await verify(api, token, ""), 422, "VALIDATION_FAILED", field="password")
    assert_error(await verify(api, token), 400, "WRONG_PASSWORD")
    assert not await is_verified()


@pytest.mark.parametrize("token", ["x", "é" * 50, "x" * 200])
async def test_unknown_token_is_rejected(api: httpx.AsyncClient, token: str):
    await make(make_user, email=ANN)
    assert_error(await verify(api, token), 400, "INVALID_TOKEN")
    assert not await is_verified()


@pytest.mark.parametrize(
    "body", [{}, {"token": ""}, {"token": "x" * 201}, {"token": 5}, {"token": "x"}, {"email": ANN}]
)
async def test_malformed_token_is_rejected(api: httpx.AsyncClient, body: dict[str, object]):
    given = body if body == {"token": "x"} else {"token": "x", "password": PASSWORD, **body}
    response = await api.post(VERIFY, json=given if body else {})
    assert response.status_code == 422


async def test_token_of_another_purpose_is_rejected(api: httpx.AsyncClient):
    user = await make(make_user, email=ANN)
    token = await tokens_for("reset_password", 600).issue_another(user.pk, {"email": ANN})
    assert_error(await verify(api, token), 400, "INVALID_TOKEN")
    assert not await is_verified()


async def test_expired_token_is_rejected(api: httpx.AsyncClient):
    await api.post("/api/v1/users", json=NEW)
    (token,) = await tokens_to(ANN, "verify_email")
    (row,) = await rows(OneTimeToken.objects.all())
    assert round((row.expires_at - row.created_at) / timedelta(hours=1)) == 24
    await run_in_transaction(OneTimeToken.objects.update, expires_at=Now())
    assert_error(await verify(api, token), 400, "INVALID_TOKEN")
    assert not await is_verified()


async def test_token_is_valid_only_for_the_address_it_was_sent_to(api: httpx.AsyncClient):
    await api.post("/api/v1/users", json=NEW)
    (token,) = await tokens_to(ANN, "verify_email")
    await run_in_transaction(User.objects.update, email="other@example.com")
    assert_error(await verify(api, token), 400, "INVALID_TOKEN")
    assert not await is_verified("other@example.com")
    await run_in_transaction(User.objects.update, email="ANN@example.com")
    assert (await verify(api, token)).status_code == 200


async def test_address_of_a_deleted_account_is_not_verified(api: httpx.AsyncClient):
    await api.post("/api/v1/users", json=NEW)
    (token,) = await tokens_to(ANN, "verify_email")
    await run_in_transaction(User.objects.update, deleted_at=Now())
    assert_error(await verify(api, token), 400, "INVALID_TOKEN")
    assert not await is_verified()


async def test_message_is_resent_once_a_minute_and_voids_the_earlier_link(api: httpx.AsyncClient):
    me = await customer(email=ANN, email_verified_at=None, password=PASSWORD)
    for _ in range(3):
        response = await api.post(RESEND, headers=me.headers)
        assert (response.status_code, response.json()) == (202, {"status": "ok"})
    assert await kinds_to(ANN) == ["verify_email"]
    await make(age_messages, 61)
    await api.post(RESEND, headers=me.headers)
    first, second = await tokens_to(ANN, "verify_email")
    assert_error(await verify(api, first), 400, "INVALID_TOKEN")
    assert (await verify(api, second)).status_code == 200


async def test_five_messages_an_hour_whatever_happens_to_the_links(api: httpx.AsyncClient):
    me = await customer(email=ANN, email_verified_at=None)
    for _ in range(7):
        await api.post(RESEND, headers=me.headers)
        await make(OneTimeToken.objects.all().delete)
        await api.post(RESEND, headers=me.headers)
        await make(age_messages, 61)
    assert await kinds_to(ANN) == ["verify_email"] * 5
    await make(age_messages, 3600)
    await api.post(RESEND, headers=me.headers)
    assert await kinds_to(ANN) == ["verify_email"] * 6


async def test_concurrent_requests_send_one_message(api: httpx.AsyncClient):
    me = await customer(email=ANN, email_verified_at=None)
    await asyncio.gather(*(api.post(RESEND, headers=me.headers) for _ in range(6)))
    assert await kinds_to(ANN) == ["verify_email"]


async def test_verified_address_gets_no_message_and_the_same_response(api: httpx.AsyncClient):
    me = await customer(email=ANN, email_verified_at="2026-01-01T00:00:00Z")
    response = await api.post(RESEND, headers=me.headers)
    assert (response.status_code, response.json()) == (202, {"status": "ok"})
    assert await kinds_to(ANN) == []


async def test_resending_needs_a_session(api: httpx.AsyncClient):
    me = await customer(email=ANN, email_verified_at=None)
    key = await make(make_key, me.user, scopes=["account:read", "account:write"])
    assert_error(await api.post(RESEND), 401, "NOT_AUTHENTICATED")
    assert_error(await api.post(RESEND, headers=key.headers), 403, "FORBIDDEN")
    assert await kinds_to(ANN) == []


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Forwarded", "Origin", "Referer"])
async def test_no_header_changes_the_address_of_the_link(api: httpx.AsyncClient, settings, header: str):
    settings.APPLICATION_URL = "https://app.example.com"
    value = "host=evil.localhost" if header == "Forwarded" else "evil.localhost"
    assert (await api.post("/api/v1/users", json=NEW, headers={header: value})).status_code == 201
    messages = await make(letters_to, ANN)
    assert [message.context["link"].partition("#")[0] for message in messages] == [
        "https://app.example.com/account/verify-email"
    ]
