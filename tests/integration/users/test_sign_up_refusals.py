"""`POST /api/v1/users` with invalid fields, and at the same time."""

import asyncio
from typing import Any

import httpx
import pytest

from apps.users.models import User
from tests.support.accounts import audited
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD
from tests.support.orm import rows

USERS = "/api/v1/users"
NEW = {"email": "ann@example.com", "username": "ann", "password": PASSWORD}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a\x00@example.com"}, "email"),
        ({"username": ""}, "username"),
        ({"username": 5}, "username"),
        ({"password": "short"}, "password"),
        ({"password": "password"}, "password"),
        ({"password": "ann@example.com"}, "password"),
        ({"password": PASSWORD + "\x00"}, "password"),
        ({"password": "x" * 257}, "password"),
        ({"full_name": "x" * 201}, "full_name"),
        ({"full_name": "Correct Horse", "password": "correct horse"}, "password"),
        ({"is_staff": True}, "is_staff"),
        ({"is_superuser": True}, "is_superuser"),
        ({"is_active": True}, "is_active"),
        ({"email_verified_at": "2026-01-01T00:00:00Z"}, "email_verified_at"),
        ({"role": "admin"}, "role"),
        ({"roles": ["admin"]}, "roles"),
        ({"groups": [1]}, "groups"),
        ({"user_permissions": [1]}, "user_permissions"),
        ({"plan": "enterprise"}, "plan"),
        ({"plan_id": 3}, "plan_id"),
        ({"id": 1}, "id"),
        ({"locked_until": None}, "locked_until"),
        ({"__class__": "x"}, "__class__"),
    ],
)
async def test_invalid_field_creates_no_account(api: httpx.AsyncClient, change: dict[str, Any], field: str):
    response = await api.post(USERS, json={**NEW, **change})
    assert_error(response, 422, "VALIDATION_FAILED", field=field)
    assert await rows(User.objects.all()) == []
    assert await audited() == []


async def test_error_does_not_repeat_the_password(api: httpx.AsyncClient):
    response = await api.post(USERS, json={**NEW, "password": "Hunter2", "email": "nobody"})
    assert response.status_code == 422
    assert "Hunter2" not in response.text


async def test_user_name_taken_in_another_case_is_rejected(api: httpx.AsyncClient):
    assert (await api.post(USERS, json=NEW)).status_code == 201
    response = await api.post(USERS, json={**NEW, "email": "other@example.com", "username": "ANN"})
    assert_error(response, 409, "CONFLICT", field="username")
    assert len(await rows(User.objects.all())) == 1


async def test_one_of_many_concurrent_sign_ups_gets_the_address(api: httpx.AsyncClient):
    bodies = [{**NEW, "username": f"ann{number}"} for number in range(6)]
    answers = await asyncio.gather(*(api.post(USERS, json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert len(await rows(User.objects.all())) == 1
    assert len(await audited()) == 1


async def test_password_is_stored_as_a_hash_and_nowhere_else(api: httpx.AsyncClient, production_hashing: None):
    created = await api.post(USERS, json=NEW)
    (user,) = await rows(User.objects.all())
    assert user.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in repr(vars(user))
    assert user.password not in created.text
    assert await audited() == [("user.created", user.pk, user.pk)]
