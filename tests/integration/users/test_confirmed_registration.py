"""Signing up where REGISTRATION=confirmed: no response reveals whether an address has an account."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from apps.one_time_tokens.models import OneTimeToken
from apps.users.models import PendingRegistration, User
from tests.support.accounts import audited
from tests.support.assertions import assert_error
from tests.support.captured_sql import all_statements
from tests.support.factories import PASSWORD, make_user
from tests.support.links import kinds_to, tokens_to
from tests.support.mailbox import age_messages, letters_to
from tests.support.orm import make, rows, run_in_transaction

USERS, CONFIRM = "/api/v1/users", "/api/v1/auth/confirm-registration"
ANN = "ann@example.com"
NEW = {"email": ANN, "username": "ann", "password": PASSWORD, "full_name": "Ann"}


@pytest.fixture(autouse=True)
def _confirmed(settings):
    settings.REGISTRATION = "confirmed"


async def confirm(api: httpx.AsyncClient, token: str, password: str = PASSWORD) -> httpx.Response:
    return await api.post(CONFIRM, json={"token": token, "password": password})


async def test_account_is_created_when_the_address_is_confirmed(api: httpx.AsyncClient):
    response = await api.post(USERS, json=NEW)
    assert (response.status_code, response.json()) == (202, {"status": "ok"})
    assert await rows(User.objects.all()) == []
    (token,) = await tokens_to(ANN, "confirm_registration")
    created = await confirm(api, token)
    assert created.status_code == 201
    assert (created.json()["email"], created.json()["username"], created.json()["full_name"]) == (ANN, "ann", "Ann")
    assert created.json()["email_verified_at"] is not None
    assert await audited() == [("user.created", created.json()["id"], created.json()["id"])]
    assert await rows(PendingRegistration.objects.all()) == []
    login = await api.post("/api/v1/auth/login", json={"email": ANN, "password": PASSWORD})
    assert login.status_code == 200


async def test_mail_without_the_password_creates_no_account(api: httpx.AsyncClient):
    """Else another person would have chosen the password of an account that its owner has confirmed."""
    await api.post(USERS, json={**NEW, "username": "mallory", "password": "chosen by another person"})
    (token,) = await tokens_to(ANN, "confirm_registration")
    assert_error(await api.post(CONFIRM, json={"token": token}), 422, "VALIDATION_FAILED", "password")
    assert_error(await confirm(api, token), 400, "WRONG_PASSWORD")
    assert await rows(User.objects.all()) == []
    assert len(await rows(PendingRegistration.objects.all())) == 1


async def test_page_of_the_link_asks_for_the_password(api: httpx.AsyncClient):
    page = await api.get("/account/confirm-registration")
    assert page.status_code == 200
    assert 'action="/api/v1/auth/confirm-registration"' in page.text
    assert [name for name in ("token", "password") if f'name="{name}"' in page.text] == ["token", "password"]


async def test_fifth_wrong_password_voids_the_link(api: httpx.AsyncClient):
    token = ""
    for email, mistakes, status in ((ANN, 4, 201), ("bob@example.com", 5, 400)):
        await api.post(USERS, json={**NEW, "email": email})
        (token,) = await tokens_to(email, "confirm_registration")
        for _ in range(mistakes):
            assert_error(await confirm(api, token, "a mistake"), 400, "WRONG_PASSWORD")
        assert (await confirm(api, token)).status_code == status
    assert_error(await confirm(api, token), 400, "INVALID_TOKEN")
    assert [user.email for user in await rows(User.objects.all())] == [ANN]


async def test_five_of_many_concurrent_guesses_are_checked(api: httpx.AsyncClient):
    await api.post(USERS, json=NEW)
    (token,) = await tokens_to(ANN, "confirm_registration")
    answers = await asyncio.gather(*(confirm(api, token, f"guess {number}") for number in range(9)))
    codes = sorted(answer.json()["error"]["code"] for answer in answers)
    assert codes == ["INVALID_TOKEN"] * 4 + ["WRONG_PASSWORD"] * 5


async def test_address_with_an_account_gets_the_same_response_and_another_mail(api: httpx.AsyncClient):
    await make(make_user, email="Known@example.com")
    free = await api.post(USERS, json=NEW)
    taken = await api.post(USERS, json={**NEW, "email": "known@example.com"})
    assert (taken.status_code, taken.content, set(taken.headers)) == (
        free.status_code, free.content, set(free.headers),
    )  # fmt: skip
    assert await kinds_to("Known@example.com") == ["registered_already"]
    assert len(await rows(User.objects.all())) == 1


async def test_both_run_the_same_statements(api: httpx.AsyncClient):
    await make(make_user, email="known@example.com")
    seen = []
    for email in (ANN, "known@example.com"):
        with all_statements() as run:
            await api.post(USERS, json={**NEW, "email": email})
        seen.append(run)
    assert seen[0] == seen[1]
    assert [table for verb, table in seen[0] if verb == "INSERT"] == [
        "pending_registrations", "one_time_tokens", "outgoing_mails",
    ]  # fmt: skip


async def test_taken_user_name_is_not_revealed(api: httpx.AsyncClient):
    await make(make_user, username="ANN")
    assert (await api.post(USERS, json=NEW)).status_code == 202
    (token,) = await tokens_to(ANN, "confirm_registration")
    created = (await confirm(api, token)).json()
    assert created["username"].startswith("ann-")


async def test_first_confirmation_gets_the_address(api: httpx.AsyncClient):
    for name in ("ann", "other"):
        await api.post(USERS, json={**NEW, "username": name})
    first, second = await tokens_to(ANN, "confirm_registration")
    answers = await asyncio.gather(*(confirm(api, token) for token in (first, second, first)))
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400]
    assert len(await rows(User.objects.all())) == 1


async def test_address_gets_five_messages_an_hour(api: httpx.AsyncClient):
    answers = await asyncio.gather(*(api.post(USERS, json=NEW) for _ in range(8)))
    assert [answer.status_code for answer in answers] == [202] * 8
    assert len(await kinds_to(ANN)) == 5
    await run_in_transaction(age_messages, 3660)
    await api.post(USERS, json=NEW)
    assert len(await kinds_to(ANN)) == 6


async def _expire() -> None:
    await run_in_transaction(OneTimeToken.objects.update, expires_at=Now())


async def _take_address() -> None:
    await make(make_user, email=ANN)


@pytest.mark.parametrize("meanwhile", [_expire, _take_address])
async def test_link_is_rejected_after_expiry_and_when_the_address_is_taken(api: httpx.AsyncClient, meanwhile):
    await api.post(USERS, json=NEW)
    (token,) = await tokens_to(ANN, "confirm_registration")
    await meanwhile()
    before = len(await rows(User.objects.all()))
    assert_error(await confirm(api, token), 400, "INVALID_TOKEN")
    assert len(await rows(User.objects.all())) == before


async def test_weak_password_is_rejected_first(api: httpx.AsyncClient):
    assert_error(await api.post(USERS, json={**NEW, "password": "password"}), 422, "VALIDATION_FAILED", "password")
    assert await rows(PendingRegistration.objects.all()) == []


async def test_password_is_not_stored_in_clear(api: httpx.AsyncClient):
    await api.post(USERS, json=NEW)
    (pending,) = await rows(PendingRegistration.objects.all())
    (token,) = await rows(OneTimeToken.objects.all())
    assert pending.password.startswith("argon2$argon2id$")
    assert (token.user_id, token.data) == (None, {"pending": pending.pk})
    (message,) = await make(letters_to, ANN)
    assert PASSWORD not in repr(message)


async def test_clean_up_deletes_unconfirmed_sign_ups(api: httpx.AsyncClient):
    await api.post(USERS, json=NEW)
    await api.post(USERS, json={**NEW, "email": "bob@example.com"})
    old = PendingRegistration.objects.filter(email=ANN)
    await run_in_transaction(old.update, created_at=Now() - timedelta(days=3))
    await run_in_transaction(call_command, "clean_up")
    assert [row.email for row in await rows(PendingRegistration.objects.all())] == ["bob@example.com"]
