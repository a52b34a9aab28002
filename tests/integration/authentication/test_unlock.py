"""Lockouts of an account: staff see each one, and end them all."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.authentication.models import LoginAttempt
from apps.second_factors.models import FactorAttempt
from apps.users.models import User
from tests.support.accounts import Account, audited, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_user
from tests.support.guessing import ELSEWHERE, EMAIL, HOME, guess_from_many_addresses, sign_in
from tests.support.orm import make, rows

pytestmark = pytest.mark.integration

USERS = "/api/v1/users"
LATER = timezone.now() + timedelta(hours=1)


def _lock_codes(user: User, address: str) -> None:
    now = timezone.now()
    FactorAttempt.objects.create(
        user=user, client_address=address, failures=9, first_failed_at=now, last_failed_at=now, locked_until=LATER
    )


async def _locked_in_every_way() -> User:
    user: User = await make(make_user, PASSWORD, email=EMAIL)
    for _ in range(5):
        await sign_in(HOME, "wrong")
    await guess_from_many_addresses(101)
    for address in (HOME, ""):
        await make(_lock_codes, user, address)
    await make(User.objects.filter(pk=user.pk).update, locked_until=LATER)
    return user


async def _lockouts(api: httpx.AsyncClient, user_id: int, staff: Account) -> list[dict[str, Any]]:
    response = await api.get(f"{USERS}/{user_id}/lockouts", headers=staff.headers)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


async def test_every_lockout_is_listed_and_ended(api: httpx.AsyncClient):
    user, staff = await _locked_in_every_way(), await colleague("security:read", "security:write")
    listed = await _lockouts(api, user.pk, staff)
    assert [(each["kind"], each["client_address"], each["failures"]) for each in listed] == [
        ("account", None, 0),
        ("password", None, 100),
        ("password", HOME, 5),
        ("code", None, 9),
        ("code", HOME, 9),
    ]
    for address in (HOME, ELSEWHERE):
        assert_error(await sign_in(address), 429, "LOCKED_OUT")
    answer = await api.post(f"{USERS}/{user.pk}/unlock", json={"reason": "called us"}, headers=staff.headers)
    assert (answer.status_code, answer.json()) == (200, {"ended": 5})
    assert await _lockouts(api, user.pk, staff) == []
    for address in (HOME, ELSEWHERE):
        assert (await sign_in(address)).status_code == 200
    (event,) = await rows(AuditEvent.objects.filter(action="account.unlocked"))
    assert (event.actor_id, event.target_id, event.reason, event.after) == (
        staff.id,
        user.pk,
        "called us",
        {"ended": 5},
    )


async def test_lockouts_of_other_accounts_stay(api: httpx.AsyncClient):
    await _locked_in_every_way()
    other, staff = await make(make_user, email="other@example.com"), await superuser()
    await make(_lock_codes, other, "")
    await api.post(f"{USERS}/{other.pk}/unlock", headers=staff.headers)
    assert await _lockouts(api, other.pk, staff) == []
    assert_error(await sign_in(HOME), 429, "LOCKED_OUT")


async def test_counting_starts_again(api: httpx.AsyncClient):
    user, staff = await make(make_user, PASSWORD, email=EMAIL), await superuser()
    for _ in range(5):
        await sign_in(HOME, "wrong")
    await api.post(f"{USERS}/{user.pk}/unlock", headers=staff.headers)
    for _ in range(5):
        assert_error(await sign_in(HOME, "wrong"), 401, "WRONG_CREDENTIALS")
    assert_error(await sign_in(HOME), 429, "LOCKED_OUT")


async def test_known_clients_stay_known(api: httpx.AsyncClient):
    user, staff = await make(make_user, PASSWORD, email=EMAIL), await superuser()
    await sign_in(HOME)
    for _ in range(5):
        await sign_in(HOME, "wrong")
    await api.post(f"{USERS}/{user.pk}/unlock", headers=staff.headers)
    (attempt,) = await rows(LoginAttempt.objects.all())
    assert attempt.signed_in_at is not None


async def test_nothing_to_unlock_is_no_event(api: httpx.AsyncClient):
    me, staff = await customer(), await superuser()
    answer = await api.post(f"{USERS}/{me.id}/unlock", headers=staff.headers)
    assert answer.json() == {"ended": 0}
    assert await audited() == []


async def test_unlocking_takes_the_right(api: httpx.AsyncClient):
    user, me = await _locked_in_every_way(), await customer()
    reader, boss = await colleague("security:read"), await superuser()
    unlocker = await colleague("security:write", "security:read")
    for caller, target, code in (
        (me, user.pk, "FORBIDDEN"),
        (me, me.id, "FORBIDDEN"),
        (reader, user.pk, "INSUFFICIENT_SCOPES"),
        (unlocker, unlocker.id, "FORBIDDEN"),
        (unlocker, boss.id, "INSUFFICIENT_SCOPES"),
    ):
        assert_error(await api.post(f"{USERS}/{target}/unlock", headers=caller.headers), 403, code)
    for caller in (me, await colleague("customers:read")):
        answer = await api.get(f"{USERS}/{user.pk}/lockouts", headers=caller.headers)
        assert answer.status_code == 403
    assert len(await _lockouts(api, user.pk, reader)) == 5
    assert await rows(AuditEvent.objects.filter(action="account.unlocked")) == []


async def test_deleted_and_missing_accounts_are_not_found(api: httpx.AsyncClient):
    staff = await superuser()
    gone = await make(make_user, deleted_at=timezone.now(), is_active=False)
    for user_id in (gone.pk, 2**62):
        assert_error(await api.get(f"{USERS}/{user_id}/lockouts", headers=staff.headers), 404, "NOT_FOUND")
        assert_error(await api.post(f"{USERS}/{user_id}/unlock", headers=staff.headers), 404, "NOT_FOUND")
