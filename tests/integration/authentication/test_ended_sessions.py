"""What ends sessions: a changed password, and a suspended account."""

import asyncio

import httpx
import pytest
from django.utils import timezone

from apps.authentication.models import Session
from apps.users.models import User
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_staff, make_user
from tests.support.orm import make, rows
from tests.support.sessions import sign_in

ME = "/api/v1/users/me"
NEW_PASSWORD = "another horse altogether"


async def login(api: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    return await api.post("/api/v1/auth/login", json={"email": email, "password": password})


async def test_no_login_with_the_old_password_outlives_its_change(api: httpx.AsyncClient):
    for round_number in range(5):
        user = await make(make_user, PASSWORD, email=f"ivy{round_number}@example.com")
        headers = await make(sign_in, user)
        change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
        logins = [login(api, user.email) for _ in range(4)]
        changed, *answers = await asyncio.gather(
            api.post("/api/v1/auth/change-password", json=change, headers=headers), *logins
        )
        assert changed.status_code == 200
        assert {answer.status_code for answer in answers} <= {200, 401}
        live = await rows(Session.objects.filter(user=user, revoked_at=None))
        assert len(live) == 1
        for answer in answers:
            if answer.status_code == 200:
                token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
                assert_error(await api.get(ME, headers=token), 401, "NOT_AUTHENTICATED")


async def test_one_of_two_concurrent_password_changes_succeeds(api: httpx.AsyncClient):
    for round_number in range(3):
        user = await make(make_user, PASSWORD, email=f"ivy{round_number}@example.com")
        phones = [await make(sign_in, user) for _ in range(3)]
        answers = await asyncio.gather(
            *(
                api.post(
                    "/api/v1/auth/change-password",
                    json={"current_password": PASSWORD, "new_password": f"{NEW_PASSWORD} {number}"},
                    headers=headers,
                )
                for number, headers in enumerate(phones)
            )
        )
        statuses = [answer.status_code for answer in answers]
        assert (statuses.count(200), set(statuses) - {200, 400, 401}) == (1, set())
        winner = statuses.index(200)
        assert (await login(api, user.email, f"{NEW_PASSWORD} {winner}")).status_code == 200
        assert (await api.get(ME, headers=phones[winner])).status_code == 200


async def test_sessions_from_before_a_deactivation_do_not_come_back(api: httpx.AsyncClient):
    user, boss = await make(make_user, PASSWORD), await make(make_staff)
    old, staff = await make(sign_in, user), await make(sign_in, boss)
    refresh_token = (await login(api, user.email)).json()["refresh_token"]
    for is_active in (False, True):
        answer = await api.patch(f"/api/v1/users/{user.pk}", json={"is_active": is_active}, headers=staff)
        assert answer.status_code == 200
    assert_error(await api.get(ME, headers=old), 401, "NOT_AUTHENTICATED")
    refreshed = await api.post("/api/v1/auth/refresh", json={"refresh_token": refresh_token})
    assert_error(refreshed, 401, "NOT_AUTHENTICATED")
    assert (await login(api, user.email)).status_code == 200


@pytest.mark.parametrize(("email", "stays_verified"), [("Ivy@Example.com", True), ("other@example.com", False)])
async def test_address_set_by_staff_is_not_verified(api: httpx.AsyncClient, email: str, stays_verified: bool):
    user, boss = (
        await make(make_user, email="ivy@example.com", email_verified_at=timezone.now()),
        await make(make_staff),
    )
    path, staff = f"/api/v1/users/{user.pk}", await make(sign_in, boss)
    assert (await api.patch(path, json={"email": email}, headers=staff)).status_code == 200
    (row,) = await rows(User.objects.filter(pk=user.pk))
    assert (row.email_verified_at is not None) is stays_verified
