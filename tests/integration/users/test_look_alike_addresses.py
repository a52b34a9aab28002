"""Addresses that look alike create no second account and find no account but their own."""

import httpx
import pytest
from django.db import connection

from apps.users.dependencies import user_service
from apps.users.models import User
from tests.support.accounts import audited, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_user
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows

USERS, LOGIN, ME = "/api/v1/users", "/api/v1/auth/login", "/api/v1/users/me"
ADMIN = {"email": "admin@exämple.de", "username": "admin", "password": PASSWORD}
STORED = "admin@xn--exmple-cua.de"
SAME = [
    "ADMIN@EXÄMPLE.DE",
    "\uff21\uff24\uff2d\uff29\uff2e@exämple.de",
    "admin\uff20exa\u0308mple.de",
    "admin@xn--exmple-cua.de",
    "admin@XN--EXMPLE-CUA.DE",
    " admin@ex\u00adämple.de ",
]
NO_ADDRESS = ["\u0430dmin@exämple.de", "adm\u0131n@exämple.de", "adm\u0130n@exämple.de", "admin\u200b@exämple.de"]


@pytest.mark.parametrize("email", SAME)
async def test_other_spelling_of_a_taken_address_is_taken(api: httpx.AsyncClient, email: str):
    assert (await api.post(USERS, json=ADMIN)).json()["email"] == STORED
    again = await api.post(USERS, json={**ADMIN, "email": email, "username": "other"})
    assert_error(again, 409, "CONFLICT", field="email")
    me = await customer(email="me@example.com")
    asked = await api.patch(ME, json={"email": email}, headers=me.headers)  # answered as for one that is free
    assert (asked.status_code, asked.json()["email"]) == (200, "me@example.com")
    assert {letter.kind for letter in await make(letters_to, STORED)} <= {"verify_email", "email_taken"}
    assert sorted(user.email for user in await rows(User.objects.all())) == [STORED, "me@example.com"]


@pytest.mark.parametrize("email", NO_ADDRESS)
async def test_letters_of_another_script_are_rejected(api: httpx.AsyncClient, email: str):
    refusal = await api.post(USERS, json={**ADMIN, "email": email})
    assert_error(refusal, 422, "VALIDATION_FAILED", field="email")
    assert await rows(User.objects.all()) == []
    assert await audited() == []


async def test_look_alike_domain_is_shown_in_ascii(api: httpx.AsyncClient):
    created = await api.post(USERS, json={**ADMIN, "email": "admin@\u0430pple.com"})
    assert (created.status_code, created.json()["email"]) == (201, "admin@xn--pple-43d.com")


@pytest.mark.parametrize("email", SAME)
async def test_every_spelling_signs_in_to_the_same_account(api: httpx.AsyncClient, email: str):
    created = await api.post(USERS, json=ADMIN)
    assert (await api.post(LOGIN, json={"email": email, "password": PASSWORD})).status_code == 200
    assert await user_service().id_of_email(email) == created.json()["id"]


@pytest.mark.parametrize("email", NO_ADDRESS)
async def test_look_alike_finds_no_account(api: httpx.AsyncClient, email: str):
    await api.post(USERS, json=ADMIN)
    assert await user_service().credentials_of(email) is None
    assert_error(await api.post(LOGIN, json={"email": email, "password": PASSWORD}), 401, "WRONG_CREDENTIALS")


async def test_found_account_has_its_stored_address(api: httpx.AsyncClient):
    await api.post(USERS, json=ADMIN)
    found = await user_service().credentials_of("\uff21\uff24\uff2d\uff29\uff2e@EXÄMPLE.de")
    assert found is not None
    assert found.email == STORED


@pytest.mark.usefixtures("database")
def test_python_and_postgresql_fold_alike_in_any_locale():
    letters = "".join(map(chr, range(1, 128)))
    make_user(email=letters)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lower(email), pg_collation_for(lower(email)), pg_collation_for(lower(username)) FROM users"
        )
        assert cursor.fetchone() == (letters.lower(), '"C"', '"C"')
