"""Each change of second factors locks the account before it writes, and a passkey after the account."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from apps.second_factors.models import Passkey
from tests.support.accounts import Account, customer, superuser
from tests.support.captured_sql import CapturedSql, captured
from tests.support.orm import rows
from tests.support.second_factors import FACTORS, Authenticator, enrol_passkey, enrol_totp
from tests.support.software_authenticator import SoftwareAuthenticator

TABLES = {"totp_devices", "passkeys", "recovery_codes", "second_factor_attempts"}

Operation = Callable[[httpx.AsyncClient, Account], Awaitable[Any]]


async def begin_totp(api: httpx.AsyncClient, me: Account) -> Any:
    return await api.post(f"{FACTORS}/totp", headers=me.headers)


async def confirm_totp(api: httpx.AsyncClient, me: Account) -> Any:
    code = Authenticator((await begin_totp(api, me)).json()["secret"]).code()
    return await api.post(f"{FACTORS}/totp/confirm", json={"code": code}, headers=me.headers)


async def enter_wrong_code(api: httpx.AsyncClient, me: Account) -> Any:
    return await api.post("/api/v1/auth/step-up", json={"code": "000000"}, headers=me.headers)


async def remove_totp(api: httpx.AsyncClient, me: Account) -> Any:
    return await api.delete(f"{FACTORS}/totp", headers=me.headers)


async def renew_recovery_codes(api: httpx.AsyncClient, me: Account) -> Any:
    return await api.post(f"{FACTORS}/recovery-codes", headers=me.headers)


async def add_passkey(api: httpx.AsyncClient, me: Account) -> Any:
    await enrol_passkey(api, me, SoftwareAuthenticator())


async def remove_passkey(api: httpx.AsyncClient, me: Account) -> Any:
    (passkey,) = await rows(Passkey.objects.all())
    return await api.delete(f"{FACTORS}/passkeys/{passkey.pk}", headers=me.headers)


async def rename_passkey(api: httpx.AsyncClient, me: Account) -> Any:
    (passkey,) = await rows(Passkey.objects.all())
    return await api.patch(f"{FACTORS}/passkeys/{passkey.pk}", json={"name": "desk"}, headers=me.headers)


async def reset(api: httpx.AsyncClient, me: Account) -> Any:
    return await api.delete(f"/api/v1/users/{me.id}/second-factors", headers=(await superuser()).headers)


def locked_before_writes(sql: CapturedSql) -> set[tuple[str, ...]]:
    """Return, for each transaction that writes factors, the tables that it has locked before, in order."""
    found: set[tuple[str, ...]] = set()
    for transaction in sql.transactions:
        locked: list[str] = []
        for verb, table in map(str.split, transaction.steps):
            if verb == "lock":
                locked.append(table)
            elif table in TABLES:
                found.add(tuple(locked))
    return found


@pytest.mark.parametrize(
    ("operation", "locked"),
    [
        (begin_totp, ("users",)),
        (confirm_totp, ("users",)),
        (enter_wrong_code, ("users",)),
        (remove_totp, ("users",)),
        (renew_recovery_codes, ("users",)),
        (reset, ("users",)),
        (add_passkey, ("users",)),
        (remove_passkey, ("users", "passkeys")),
        (rename_passkey, ("passkeys",)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_rows_are_locked_before_they_are_written(
    api: httpx.AsyncClient, operation: Operation, locked: tuple[str, ...]
):
    me = await customer()
    await enrol_totp(api, me)
    if operation is not add_passkey:
        await enrol_passkey(api, me)
    with captured() as sql:
        await operation(api, me)
    assert locked_before_writes(sql) == {locked}
