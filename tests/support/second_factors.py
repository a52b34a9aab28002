"""Accounts with second factors, and the codes of their authenticator apps."""

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
    """An authenticator app. It returns codes of later time steps without waiting for them."""

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)

    def code(self, steps: int = 0) -> str:
        """Return the code of the time step that is `steps` after the current one."""
        return self._totp.at(int(time.time()) + steps * STEP_SECONDS)

    def wrong_code(self) -> str:
        """Return six digits that are not a code of any time step near the current one."""
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(digits for digits in map("{:06}".format, range(1000)) if digits not in near)


async def enrol_totp(api: httpx.AsyncClient, account: Account) -> tuple[Authenticator, list[str]]:
    """Enrol an authenticator app for the account, and return it with the recovery codes. All codes are unused."""
    started = await api.post(f"{FACTORS}/totp", headers=account.headers)
    assert started.status_code == 201, started.text
    authenticator = Authenticator(started.json()["secret"])
    body = {"code": authenticator.code()}
    confirmed = await api.post(f"{FACTORS}/totp/confirm", json=body, headers=account.headers)
    assert confirmed.status_code == 200, confirmed.text
    await make(TotpDevice.objects.update, last_step=0)
    await mark_second_factor_verified(account)
    return authenticator, confirmed.json()["recovery_codes"]


async def enrol_passkey(
    api: httpx.AsyncClient, account: Account, authenticator: SoftwareAuthenticator | None = None
) -> SoftwareAuthenticator:
    """Enrol a passkey for the account."""
    authenticator = authenticator or SoftwareAuthenticator()
    request = (await api.post(f"{FACTORS}/passkeys/options", headers=account.headers)).json()
    credential = authenticator.create(request["options"])
    body = {"challenge": request["challenge"], "name": "laptop", "credential": credential}
    added = await api.post(f"{FACTORS}/passkeys", json=body, headers=account.headers)
    assert added.status_code == 201, added.text
    await mark_second_factor_verified(account)
    return authenticator


async def mark_second_factor_verified(account: Account) -> None:
    """Mark the account's API sessions as authenticated by a second factor, as after a re-authentication."""
    await make(
        Session.objects.filter(user_id=account.id, kind=Session.Kind.API).update,
        methods=["pwd", "otp"],
        authenticated_at=Now(),
    )


async def begin_sign_in(api: httpx.AsyncClient, account: Account, password: str = PASSWORD) -> dict[str, Any]:
    """Sign in with the password, and return the response that requests the second factor."""
    credentials = {"email": account.user.email, "password": password}
    response = await api.post("/api/v1/auth/login", json=credentials)
    assert response.status_code == 202, response.text
    second_step: dict[str, Any] = response.json()
    return second_step


async def let_proofs_grow_old() -> None:
    """Shift the authentication of every session to an hour ago."""
    await make(Session.objects.update, authenticated_at=Now() - timedelta(hours=1))
