"""`POST /api/v1/auth/forgot-password`: nothing tells whether an address has an account."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from django.db.models.functions import Now

from apps.mail.models import OutgoingMail
from apps.one_time_tokens.models import OneTimeToken
from apps.users.models import User
from tests.support.accounts import audited, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.captured_sql import all_statements
from tests.support.factories import make_staff, make_user
from tests.support.links import kinds_to, tokens_to
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows, run_in_transaction

FORGOT = "/api/v1/auth/forgot-password"
ANN = "ann@example.com"


async def forget(api: httpx.AsyncClient, email: str = ANN, **headers: str) -> httpx.Response:
    return await api.post(FORGOT, json={"email": email}, headers=headers)


async def test_owner_gets_a_link_for_half_an_hour(api: httpx.AsyncClient, settings):
    settings.APPLICATION_URL = "https://app.example.com"
    user = await make(make_user, email=ANN)
    response = await forget(api, " ANN@example.com ")
    assert (response.status_code, response.json()) == (202, {"status": "ok"})
    (message,) = await make(letters_to, ANN)
    assert message.kind == "reset_password"
    assert message.context["link"].startswith("https://app.example.com/account/reset-password#token=")
    (mail,) = await rows(OutgoingMail.objects.all())
    assert (mail.user_id, round((mail.expires_at - mail.created_at) / timedelta(minutes=1))) == (user.pk, 30)
    assert await audited() == [("password.reset_asked", user.pk, None)]


async def test_account_gets_one_message_in_five_minutes(api: httpx.AsyncClient):
    await make(make_user, email=ANN)
    await asyncio.gather(*(forget(api) for _ in range(6)))
    assert await kinds_to(ANN) == ["reset_password"]
    await run_in_transaction(OneTimeToken.objects.update, created_at=Now() - timedelta(minutes=6))
    await forget(api)
    assert await kinds_to(ANN) == ["reset_password", "reset_password"]


async def _missing() -> None:
    pass


async def _deleted() -> None:
    await make(make_user, email=ANN, deleted_at="2026-01-01T00:00:00Z", is_active=False)


async def _inactive() -> None:
    await make(make_user, email=ANN, is_active=False)


@pytest.mark.parametrize("prepare", [_missing, _deleted, _inactive])
async def test_address_without_an_account_is_answered_alike_and_gets_nothing(api: httpx.AsyncClient, prepare):
    await prepare()
    await make(make_user, email="known@example.com")
    unknown, known = await forget(api), await forget(api, "known@example.com")
    assert (unknown.status_code, unknown.content) == (known.status_code, known.content) == (202, b'{"status":"ok"}\n')
    assert set(unknown.headers) == set(known.headers)
    assert await kinds_to(ANN) == []
    assert [recipient.recipient for recipient in await rows(OutgoingMail.objects.all())] == ["known@example.com"]


async def test_statements_are_the_same_with_and_without_an_account(api: httpx.AsyncClient):
    await make(make_user, email=ANN)
    await make(make_user, email="suspended@example.com", is_active=False)
    seen = []
    for email in (ANN, ANN, "nobody@example.com", "suspended@example.com"):
        with all_statements() as made:
            await forget(api, email)
        seen.append(made)
    first, *others = seen
    assert [verb for verb, _ in first] == ["SELECT", "SELECT", "SELECT", "INSERT", "DELETE", "INSERT", "INSERT"]
    assert first[-1] == ("INSERT", "outgoing_mails")
    for other in others:
        # In place of the message, a row of about its size.
        assert other == [*first[:-1], ("INSERT", "one_time_tokens")]


async def test_stand_in_for_a_token_belongs_to_no_account_and_has_expired(api: httpx.AsyncClient):
    await forget(api)
    tokens = await rows(OneTimeToken.objects.all())
    assert [(token.user_id, token.data) for token in tokens] == [(None, {}), (None, {})]
    assert all(token.expires_at <= token.created_at for token in tokens)


async def test_entered_text_is_not_stored(api: httpx.AsyncClient):
    await forget(api, "correct horse battery staple")
    assert await audited() == [("password.reset_asked", None, None)]
    assert await rows(OutgoingMail.objects.all()) == []


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Origin", "Referer"])
async def test_no_header_changes_the_link(api: httpx.AsyncClient, settings, header: str):
    settings.APPLICATION_URL = "https://app.example.com"
    await make(make_user, email=ANN)
    assert (await forget(api, **{header: "evil.localhost"})).status_code == 202
    (message,) = await make(letters_to, ANN)
    assert message.context["link"].startswith("https://app.example.com/account/reset-password#")


@pytest.mark.parametrize(
    "body",
    [{}, {"email": ""}, {"email": 5}, {"email": "x" * 255}, {"email": ANN, "is_staff": True}, {"email": "a\x00"}],
)
async def test_malformed_request_is_rejected(api: httpx.AsyncClient, body: dict[str, object]):
    assert (await api.post(FORGOT, json=body)).status_code == 422
    assert await rows(OneTimeToken.objects.all()) == []


@pytest.mark.parametrize("email", [f"{ANN}\r\nBcc: all@example.com", f"{ANN},other@example.com", f"Ann <{ANN}>"])
async def test_address_with_a_line_break_gets_nothing(api: httpx.AsyncClient, email: str):
    await make(make_user, email=ANN)
    assert (await forget(api, email)).status_code == 202
    assert await rows(OutgoingMail.objects.all()) == []


async def test_requests_are_limited_per_address(api: httpx.AsyncClient, settings):
    settings.PUBLIC_RATE_LIMIT = "2/m"
    answers = [(await forget(api)).status_code for _ in range(3)]
    assert answers == [202, 202, 429]


async def test_staff_send_the_mail(api: httpx.AsyncClient):
    me, staff = await customer(email=ANN), await colleague()
    path = f"/api/v1/users/{me.id}/password-reset"
    response = await api.post(path, headers=staff.headers)
    assert (response.status_code, response.json()) == (202, {"status": "ok"})
    assert len(await tokens_to(ANN, "reset_password")) == 1
    assert await audited() == [("password.reset_sent", me.id, staff.id)]


async def test_others_cannot_send_the_mail(api: httpx.AsyncClient):
    me, staff = await customer(email=ANN), await colleague()
    boss, suspended = await make(make_staff), await make(make_user, is_active=False)
    for user_id, headers, status, code in (
        (me.id, me.headers, 403, "FORBIDDEN"),
        (boss.pk, staff.headers, 403, "FORBIDDEN"),
        (suspended.pk, staff.headers, 404, "NOT_FOUND"),
        (2**40, staff.headers, 404, "NOT_FOUND"),
    ):
        assert_error(await api.post(f"/api/v1/users/{user_id}/password-reset", headers=headers), status, code)
    assert await rows(OutgoingMail.objects.all()) == []
    assert await audited() == []


async def test_superuser_sends_the_mail_to_staff(api: httpx.AsyncClient):
    boss, other = await superuser(), await colleague(email=ANN)
    assert (await api.post(f"/api/v1/users/{other.id}/password-reset", headers=boss.headers)).status_code == 202
    assert await kinds_to(ANN) == ["reset_password"]
    assert len(await rows(User.objects.all())) == 2
