"""Accounts with second factors, and the codes of their authenticator programs."""

import time
from datetime import timedelta
from typing import Any

import httpx
import pyotp
from django.db.models.functions import Now

from apps.authentication.models import Session
from apps.second_factors.models import TotpDevice
from tests.support.accounts import Account
from tests.support.factories import PASSWORD
from tests.support.orm import make
from tests.support.software_authenticator import SoftwareAuthenticator

FACTORS = "/api/v1/auth/second-factors"
STEP_SECONDS = 30


class Authenticator:
    """An authenticator program. It waits for no time to pass: each code is of the next step that is accepted."""

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)

    def code(self, steps: int = 0) -> str:
        """Return the code of the step that is so many after this one."""
        return self._totp.at(int(time.time()) + steps * STEP_SECONDS)

    def wrong_code(self) -> str:
        """Return six digits that are no code of any step about now."""
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(digits for digits in map("{:06}".format, range(1000)) if digits not in near)


async def enrol_totp(api: httpx.AsyncClient, account: Account) -> tuple[Authenticator, list[str]]:
    """Give the account an authenticator program, and return it with the recovery codes; no code of it has been used."""
    begun = await api.post(f"{FACTORS}/totp", headers=account.headers)
    assert begun.status_code == 201, begun.text
    program = Authenticator(begun.json()["secret"])
    confirmed = await api.post(f"{FACTORS}/totp/confirm", json={"code": program.code()}, headers=account.headers)
    assert confirmed.status_code == 200, confirmed.text
    await make(TotpDevice.objects.update, last_step=0)
    await prove_second_factor(account)
    return program, confirmed.json()["recovery_codes"]


async def enrol_passkey(
    api: httpx.AsyncClient, account: Account, authenticator: SoftwareAuthenticator | None = None
) -> SoftwareAuthenticator:
    """Give the account a passkey."""
    authenticator = authenticator or SoftwareAuthenticator()
    asked = (await api.post(f"{FACTORS}/passkeys/options", headers=account.headers)).json()
    body = {"challenge": asked["challenge"], "name": "laptop", "credential": authenticator.create(asked["options"])}
    added = await api.post(f"{FACTORS}/passkeys", json=body, headers=account.headers)
    assert added.status_code == 201, added.text
    await prove_second_factor(account)
    return authenticator


async def prove_second_factor(account: Account) -> None:
    """Let the account's sessions of the API have been proven by a second factor, as after a step-up."""
    await make(
        Session.objects.filter(user_id=account.id, kind=Session.Kind.API).update,
        methods=["pwd", "otp"],
        authenticated_at=Now(),
    )


async def begin_sign_in(api: httpx.AsyncClient, account: Account, password: str = PASSWORD) -> dict[str, Any]:
    """Sign in by the password, and return what was asked for beside it."""
    credentials = {"email": account.user.email, "password": password}
    asked = await api.post("/api/v1/auth/login", json=credentials)
    assert asked.status_code == 202, asked.text
    needed: dict[str, Any] = asked.json()
    return needed


async def let_proofs_grow_old() -> None:
    """Let every session have been proven an hour ago."""
    await make(Session.objects.update, authenticated_at=Now() - timedelta(hours=1))
