"""Any number of addresses of one mailbox get together as many messages as one address."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import httpx
import pytest
from django.db import connection
from django.utils import timezone

from apps.mail.models import OutgoingMail
from apps.mail.repositories.outgoing_mail_repository import SQL
from tests.support.accounts import Account, customer
from tests.support.factories import PASSWORD, make_user
from tests.support.mailbox import age_messages
from tests.support.orm import make, rows, run_in_transaction

V1 = "/api/v1"
ALIASES = [f"victim+{number}@example.com" for number in range(12)] + [
    "Victim@Example.com",
    "VICTIM+x+y@example.com",
    "v.ic.tim+.z@example.com",
]
Send = Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]


async def sign_up(api: httpx.AsyncClient, email: str) -> httpx.Response:
    username = re.sub("[@+]", "-", email).lower()
    return await api.post(f"{V1}/users", json={"email": email, "username": username, "password": PASSWORD})


async def forget(api: httpx.AsyncClient, email: str) -> httpx.Response:
    return await api.post(f"{V1}/auth/forgot-password", json={"email": email})


async def ask_for(api: httpx.AsyncClient, email: str) -> httpx.Response:
    me = await customer()
    return await api.patch(f"{V1}/users/me", json={"email": email}, headers=me.headers)


async def recipients(*kinds: str) -> list[str]:
    return [mail.recipient for mail in await rows(OutgoingMail.objects.filter(kind__in=kinds))]


@pytest.mark.parametrize(
    ("mode", "send", "kinds"),
    [
        ("open", sign_up, ["verify_email"]),
        ("confirmed", sign_up, ["confirm_registration", "registered_already"]),
        ("open", forget, ["reset_password"]),
        ("open", ask_for, ["confirm_new_email", "email_taken"]),
    ],
    ids=["open", "confirmed", "forgotten", "change"],
)
async def test_mailbox_gets_five_messages_an_hour(
    api: httpx.AsyncClient, settings, mode: str, send: Send, kinds: list[str]
):
    settings.REGISTRATION = mode
    if send is forget:
        for email in ALIASES:
            await make(make_user, email=email)
    statuses = {response.status_code for response in await asyncio.gather(*(send(api, email) for email in ALIASES))}
    assert statuses <= {200, 201, 202, 429}
    assert len(await recipients(*kinds)) == 5
    for email in ("another@example.com", "victim+later@example.com"):
        if send is forget:
            await make(make_user, email=email)
        await send(api, email)
        await run_in_transaction(age_messages, 3700)
    assert min(await recipients(*kinds)) == "another@example.com"
    assert len(await recipients(*kinds)) == 7


async def test_link_is_not_sent_again_to_a_full_mailbox(api: httpx.AsyncClient):
    accounts = [await customer(email=email, email_verified_at=None) for email in ALIASES[:8]]
    for account in accounts:
        response = await api.post(f"{V1}/auth/verify-email/resend", headers=account.headers)
        assert response.status_code == 202
    assert await recipients("verify_email") == list(reversed(ALIASES[:5]))


async def change_password(api: httpx.AsyncClient, me: Account) -> httpx.Response:
    passwords = {"current_password": PASSWORD, "new_password": "another horse battery"}
    return await api.post(f"{V1}/auth/change-password", json=passwords, headers=me.headers)


async def create_key(api: httpx.AsyncClient, me: Account) -> httpx.Response:
    return await api.post(f"{V1}/api-keys", json={"name": "k"}, headers=me.headers)


async def ask_to_move(api: httpx.AsyncClient, me: Account) -> httpx.Response:
    return await api.patch(f"{V1}/users/me", json={"email": f"new-{me.id}@example.com"}, headers=me.headers)


@pytest.mark.parametrize(
    ("cause", "kinds"),
    [
        (change_password, ["security_notice"]),
        (create_key, ["api_key_notice"]),
        (ask_to_move, ["email_change_asked"]),
    ],
    ids=["password", "key", "address"],
)
async def test_strangers_mailbox_gets_five_notices_of_a_kind_an_hour(
    api: httpx.AsyncClient, cause: Callable[[httpx.AsyncClient, Account], Awaitable[httpx.Response]], kinds: list[str]
):
    strangers = [await customer(password=PASSWORD, email=email, email_verified_at=None) for email in ALIASES[:7]]
    responses = await asyncio.gather(*(cause(api, me) for me in strangers))
    assert {response.status_code for response in responses} <= {200, 201, 202, 204, 429}
    assert len(await recipients(*kinds)) == 5


async def test_verified_addresses_get_every_notice(api: httpx.AsyncClient):
    for email in ALIASES[:7]:
        await create_key(api, await customer(email=email))
    assert len(await recipients("api_key_notice")) == 7


def test_index_finds_the_messages_of_a_mailbox(database):
    OutgoingMail.objects.bulk_create(
        OutgoingMail(kind="k", recipient=f"u{number}@example.com", key=str(number), expires_at=timezone.now())
        for number in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE outgoing_mails")
        cursor.execute(
            f"EXPLAIN {SQL['wait_seconds_for_address']}",
            {"recipient": "U7+1@example.com", "kinds": ["k"], "seconds": 3600, "maximum": 5},
        )
        assert "outgoing_mails_dotless" in str(cursor.fetchall())
