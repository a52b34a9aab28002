"""The same thing many times at once, each on a thread and a connection of its own: it happens once."""

import asyncio
from collections import Counter
from typing import Any

import httpx

from apps.authentication.models import Session
from apps.second_factors.models import FactorAttempt, Passkey, RecoveryCode, TotpDevice
from tests.support.accounts import Account, customer
from tests.support.factories import PASSWORD
from tests.support.orm import make, rows
from tests.support.second_factors import FACTORS, Authenticator, begin_sign_in, enrol_passkey, enrol_totp

AUTH = "/api/v1/auth"


async def person(api: httpx.AsyncClient) -> tuple[Account, Authenticator, list[str]]:
    me = await customer(password=PASSWORD)
    authenticator, codes = await enrol_totp(api, me)
    await make(Session.objects.all().delete)
    return me, authenticator, codes


async def at_once(api: httpx.AsyncClient, path: str, bodies: list[dict[str, Any]], **options: Any) -> Counter[int]:
    """Send them all at once, and return how often which status came."""
    answers = await asyncio.gather(*(api.post(path, json=body, **options) for body in bodies))
    return Counter(answer.status_code for answer in answers)


async def tokens(api: httpx.AsyncClient, me: Account, number: int) -> list[str]:
    return [(await begin_sign_in(api, me))["second_factor_token"] for _ in range(number)]


async def test_concurrent_uses_of_one_code_sign_in_once(api: httpx.AsyncClient):
    me, authenticator, _ = await person(api)
    code = authenticator.code()
    bodies = [{"second_factor_token": token, "code": code} for token in await tokens(api, me, 4)]
    assert await at_once(api, f"{AUTH}/second-factor", bodies) == {200: 1, 400: 3}
    assert len(await rows(Session.objects.all())) == 1


async def test_concurrent_uses_of_one_recovery_code_sign_in_once(api: httpx.AsyncClient):
    me, _, codes = await person(api)
    bodies = [{"second_factor_token": token, "code": codes[0]} for token in await tokens(api, me, 4)]
    assert await at_once(api, f"{AUTH}/second-factor", bodies) == {200: 1, 400: 3}
    assert len(await rows(RecoveryCode.objects.filter(used_at=None))) == 9


async def test_concurrent_right_codes_with_one_token_sign_in_once(api: httpx.AsyncClient):
    me, authenticator, codes = await person(api)
    (token,) = await tokens(api, me, 1)
    bodies = [{"second_factor_token": token, "code": code} for code in (authenticator.code(), *codes[:3])]
    assert await at_once(api, f"{AUTH}/second-factor", bodies) == {200: 1, 401: 3}
    assert len(await rows(Session.objects.all())) == 1


async def test_of_twenty_concurrent_guesses_five_are_verified(api: httpx.AsyncClient):
    me, authenticator, _ = await person(api)
    wrong = authenticator.wrong_code()
    bodies = [{"second_factor_token": token, "code": wrong} for token in await tokens(api, me, 20)]
    assert await at_once(api, f"{AUTH}/second-factor", bodies) == {400: 5, 429: 15}
    pair, total = await rows(FactorAttempt.objects.order_by("-client_address"))
    assert (pair.failures, total.failures) == (5, 5)


async def test_one_token_allows_five_of_twenty_concurrent_attempts(api: httpx.AsyncClient):
    me, authenticator, _ = await person(api)
    (token,) = await tokens(api, me, 1)
    bodies = [{"second_factor_token": token, "code": authenticator.wrong_code()}] * 20
    await at_once(api, f"{AUTH}/second-factor", bodies)
    (pair, _) = await rows(FactorAttempt.objects.order_by("-client_address"))
    assert pair.failures == 5


async def test_concurrent_uses_of_one_assertion_sign_in_once(api: httpx.AsyncClient):
    me = await customer()
    device = await enrol_passkey(api, me)
    await make(Session.objects.all().delete)
    asked = (await api.post(f"{AUTH}/passkeys/options")).json()
    body = {"challenge": asked["challenge"], "credential": device.get(asked["options"])}
    assert await at_once(api, f"{AUTH}/passkeys", [body] * 4) == {200: 1, 400: 3}


async def test_concurrent_assertions_with_the_same_count_sign_in_once(api: httpx.AsyncClient):
    me = await customer()
    device = await enrol_passkey(api, me)
    await make(Session.objects.all().delete)
    bodies = []
    for _ in range(4):
        device.sign_count = 0
        asked = (await api.post(f"{AUTH}/passkeys/options")).json()
        bodies.append({"challenge": asked["challenge"], "credential": device.get(asked["options"])})
    assert await at_once(api, f"{AUTH}/passkeys", bodies) == {200: 1, 400: 3}
    assert [row.sign_count for row in await rows(Passkey.objects.all())] == [1]


async def test_concurrent_enrolments_leave_one_authenticator_app(api: httpx.AsyncClient):
    me = await customer()
    begun = await at_once(api, f"{FACTORS}/totp", [{}] * 4, headers=me.headers)
    assert begun == {201: 4}
    assert len(await rows(TotpDevice.objects.all())) == 1
    authenticator = Authenticator((await api.post(f"{FACTORS}/totp", headers=me.headers)).json()["secret"])
    bodies = [{"code": authenticator.code()}] * 4
    confirmed = await at_once(api, f"{FACTORS}/totp/confirm", bodies, headers=me.headers)
    assert confirmed == {200: 1, 404: 3}
    assert len(await rows(RecoveryCode.objects.all())) == 10
