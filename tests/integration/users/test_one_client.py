"""One client mails only so many people, by whichever operations, together: PUBLIC_RATE_LIMIT."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from pytest_django.fixtures import Settings

from apps.mail.models import OutgoingMail
from config.asgi import application
from tests.support.accounts import Account, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_user
from tests.support.orm import make, rows

V1 = "/api/v1"
Send = Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]


async def sign_up(api: httpx.AsyncClient, name: str) -> httpx.Response:
    new = {"email": f"{name}@example.com", "username": name, "password": PASSWORD}
    return await api.post(f"{V1}/users", json=new)


async def forget(api: httpx.AsyncClient, name: str) -> httpx.Response:
    await make(make_user, email=f"{name}@example.com")
    return await api.post(f"{V1}/auth/forgot-password", json={"email": f"{name}@example.com"})


async def resend(api: httpx.AsyncClient, name: str) -> httpx.Response:
    me = await customer(email=f"{name}@example.com", email_verified_at=None)
    return await api.post(f"{V1}/auth/verify-email/resend", headers=me.headers)


async def change(api: httpx.AsyncClient, name: str) -> httpx.Response:
    me = await customer(email_verified_at=None)
    return await _change(api, me, "me", name)


async def change_by_id(api: httpx.AsyncClient, name: str) -> httpx.Response:
    me = await customer(email_verified_at=None)
    return await _change(api, me, str(me.id), name)


async def _change(api: httpx.AsyncClient, me: Account, path: str, name: str) -> httpx.Response:
    body = {"email": f"{name}@example.com"}
    return await api.patch(f"{V1}/users/{path}", json=body, headers=me.headers)


OPERATIONS: list[Send] = [sign_up, forget, resend, change, change_by_id]


async def mailed() -> set[str]:
    """Return who has got mail, but for the former addresses of changed accounts."""
    mails = await rows(OutgoingMail.objects.exclude(recipient__startswith="user"))
    return {mail.recipient.partition("@")[0] for mail in mails}


@pytest.mark.parametrize("send", OPERATIONS, ids=lambda send: send.__name__)
async def test_operations_share_the_rate_of_a_client(api: httpx.AsyncClient, settings: Settings, send: Send):
    settings.PUBLIC_RATE_LIMIT = "5/h"
    for number, operation in enumerate(OPERATIONS):
        assert (await operation(api, f"victim{number}")).status_code in {200, 201, 202}
    refused = await send(api, "another")
    assert_error(refused, 429, "RATE_LIMITED")
    assert int(refused.headers["retry-after"]) >= 1
    assert await mailed() == {f"victim{number}" for number in range(5)}


async def test_another_client_is_not_affected(api: httpx.AsyncClient, settings: Settings):
    settings.PUBLIC_RATE_LIMIT = "1/h"
    assert (await sign_up(api, "ann")).status_code == 201
    assert (await forget(api, "bob")).status_code == 429
    transport = httpx.ASGITransport(application, client=("192.0.2.9", 7))
    async with httpx.AsyncClient(transport=transport, base_url="http://keyhouse.localhost") as other:
        assert (await forget(other, "carl")).status_code == 202
    assert await mailed() == {"ann", "carl"}


async def test_other_changes_of_an_account_are_not_counted(api: httpx.AsyncClient, settings: Settings):
    settings.PUBLIC_RATE_LIMIT = "1/h"
    me = await customer()
    for name in ("Ann", "Anna"):
        assert (await api.patch(f"{V1}/users/me", json={"full_name": name}, headers=me.headers)).status_code == 200
    assert (await sign_up(api, "bob")).status_code == 201
