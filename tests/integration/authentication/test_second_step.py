"""Signing in to an account with a second factor: 202, then `POST /api/v1/auth/second-factor`."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db.models import F
from django.db.models.functions import Now

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.core.crypto.passwords import hash_password
from apps.one_time_tokens.models import OneTimeToken
from apps.second_factors.models import FactorAttempt, RecoveryCode, TotpDevice
from apps.users.models import User
from tests.integration.authentication.test_login import from_address
from tests.support.accounts import Account, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows
from tests.support.second_factors import Authenticator, begin_sign_in, enrol_totp

SECOND_FACTOR = "/api/v1/auth/second-factor"


async def person(api: httpx.AsyncClient) -> tuple[Account, Authenticator, list[str]]:
    """Return a customer with an authenticator app and recovery codes, who is signed in nowhere else."""
    me = await customer(password=PASSWORD)
    program, codes = await enrol_totp(api, me)
    await make(Session.objects.all().delete)
    return me, program, codes


async def complete(api: httpx.AsyncClient, token: str, code: str) -> httpx.Response:
    return await api.post(SECOND_FACTOR, json={"second_factor_token": token, "code": code})


async def sessions() -> list[Session]:
    return await rows(Session.objects.order_by("id"))


async def test_password_alone_starts_no_session(api: httpx.AsyncClient):
    me, _, _ = await person(api)
    needed = await begin_sign_in(api, me)
    assert set(needed) == {"second_factor_token", "kinds", "expires_in"}
    assert (needed["kinds"], needed["expires_in"]) == (["totp", "recovery_code"], 300)
    assert await sessions() == []
    (event,) = await rows(AuditEvent.objects.filter(action="second_factor.asked"))
    assert (event.subject_id, event.after) == (me.id, {"methods": ["pwd"]})
    kept = str([vars(token) for token in await rows(OneTimeToken.objects.all())])
    assert needed["second_factor_token"] not in kept
    assert me.user.password not in kept


async def test_wrong_password_is_answered_as_without_a_second_factor(api: httpx.AsyncClient):
    me, _, _ = await person(api)
    refused = await api.post("/api/v1/auth/login", json={"email": me.user.email, "password": "wrong"})
    assert_error(refused, 401, "WRONG_CREDENTIALS")


async def test_code_completes_the_sign_in(api: httpx.AsyncClient):
    me, program, _ = await person(api)
    needed = await begin_sign_in(api, me)
    response = await complete(api, needed["second_factor_token"], program.code())
    assert response.status_code == 200
    pair = response.json()
    assert set(pair) == {"access_token", "refresh_token", "token_type", "expires_in"}
    read = await api.get("/api/v1/users/me", headers={"Authorization": f"Bearer {pair['access_token']}"})
    assert read.json()["id"] == me.id
    assert [row.methods for row in await sessions()] == [["pwd", "otp"]]


async def test_recovery_code_completes_the_sign_in_once_and_its_owner_is_notified(api: httpx.AsyncClient):
    me, _, codes = await person(api)
    needed = await begin_sign_in(api, me)
    typed = codes[0].lower().replace("-", " ")
    assert (await complete(api, needed["second_factor_token"], typed)).status_code == 200
    messages = await make(letters_to, me.user.email)
    assert messages[-1].context["what"] == "A recovery code of your account was used."
    assert messages[-1].context["by_staff"] == ""
    used = await rows(AuditEvent.objects.filter(action="recovery_code.used"))
    assert [(event.actor_id, event.subject_id) for event in used] == [(me.id, me.id)]
    again = await begin_sign_in(api, me)
    assert_error(await complete(api, again["second_factor_token"], codes[0]), 400, "WRONG_CODE")
    assert (await complete(api, again["second_factor_token"], codes[1])).status_code == 200
    assert len(await sessions()) == 2


async def test_renewed_recovery_codes_void_the_old_ones(api: httpx.AsyncClient):
    me = await customer(password=PASSWORD)
    _, old = await enrol_totp(api, me)
    renewed = await api.post("/api/v1/auth/second-factors/recovery-codes", headers=me.headers)
    assert renewed.status_code == 200
    new = renewed.json()["recovery_codes"]
    assert (len(new), set(new) & set(old)) == (10, set())
    assert len(await rows(RecoveryCode.objects.all())) == 10
    assert len(await rows(AuditEvent.objects.filter(action="recovery_codes.renewed"))) == 1
    needed = await begin_sign_in(api, me)
    assert_error(await complete(api, needed["second_factor_token"], old[0]), 400, "WRONG_CODE")
    assert (await complete(api, needed["second_factor_token"], new[0])).status_code == 200


async def test_no_recovery_codes_without_a_factor(api: httpx.AsyncClient):
    me = await customer()
    refused = await api.post("/api/v1/auth/second-factors/recovery-codes", headers=me.headers)
    assert_error(refused, 404, "NOT_FOUND")
    assert await rows(RecoveryCode.objects.all()) == []


async def test_code_is_accepted_once(api: httpx.AsyncClient):
    me, program, _ = await person(api)
    code = program.code()
    first, second = await begin_sign_in(api, me), await begin_sign_in(api, me)
    assert (await complete(api, first["second_factor_token"], code)).status_code == 200
    assert_error(await complete(api, second["second_factor_token"], code), 400, "WRONG_CODE")
    assert len(await sessions()) == 1


async def test_code_from_before_the_last_accepted_one_is_refused(api: httpx.AsyncClient):
    me, program, _ = await person(api)
    earlier, later = program.code(), program.code(1)
    first, second = await begin_sign_in(api, me), await begin_sign_in(api, me)
    assert (await complete(api, first["second_factor_token"], later)).status_code == 200
    assert_error(await complete(api, second["second_factor_token"], earlier), 400, "WRONG_CODE")


@pytest.mark.parametrize("steps", [-3, 3])
async def test_code_from_another_time_is_refused(api: httpx.AsyncClient, steps: int):
    me, program, _ = await person(api)
    needed = await begin_sign_in(api, me)
    assert_error(await complete(api, needed["second_factor_token"], program.code(steps)), 400, "WRONG_CODE")
    assert await sessions() == []


async def test_token_is_valid_once(api: httpx.AsyncClient):
    me, program, codes = await person(api)
    token = (await begin_sign_in(api, me))["second_factor_token"]
    assert (await complete(api, token, program.code())).status_code == 200
    assert_error(await complete(api, token, codes[0]), 401, "SECOND_FACTOR_EXPIRED")
    assert len(await sessions()) == 1
    assert len(await rows(RecoveryCode.objects.filter(used_at=None))) == 10


async def test_token_is_invalid_after_its_fifth_attempt(api: httpx.AsyncClient):
    me, program, _ = await person(api)
    token = (await begin_sign_in(api, me))["second_factor_token"]
    for number in range(5):
        elsewhere = from_address(f"192.0.2.{number}")
        assert_error(await complete(elsewhere, token, program.wrong_code()), 400, "WRONG_CODE")
    assert_error(await complete(from_address("192.0.2.9"), token, program.code()), 401, "SECOND_FACTOR_EXPIRED")
    assert await sessions() == []


async def test_five_wrong_codes_lock_the_pair_of_account_and_address(api: httpx.AsyncClient):
    me, program, _ = await person(api)
    for _ in range(5):
        token = (await begin_sign_in(api, me))["second_factor_token"]
        assert_error(await complete(api, token, program.wrong_code()), 400, "WRONG_CODE")
    token = (await begin_sign_in(api, me))["second_factor_token"]
    locked = await complete(api, token, program.code())
    assert_error(locked, 429, "LOCKED_OUT")
    assert 1 <= int(locked.headers["retry-after"]) <= 30
    refused = await rows(AuditEvent.objects.filter(action="second_factor.refused"))
    assert [(event.subject_id, event.outcome) for event in refused] == [(me.id, "failure")] * 5
    (began,) = await rows(AuditEvent.objects.filter(action="account.locked"))
    assert (began.subject_id, began.outcome, began.after) == (me.id, "failure", {"locks_out": "client"})
    assert (await complete(from_address("192.0.2.7"), token, program.code())).status_code == 200


async def test_locks_grow_and_a_right_code_resets_them(api: httpx.AsyncClient):
    me, program, _ = await person(api)
    seconds = []
    for number in range(1, 13):
        token = (await begin_sign_in(api, me))["second_factor_token"]
        await complete(api, token, program.wrong_code())
        (pair,) = await rows(FactorAttempt.objects.exclude(client_address=""))
        assert pair.failures == number
        if pair.locked_until:
            seconds.append(round((pair.locked_until - pair.last_failed_at).total_seconds()))
            await make(FactorAttempt.objects.filter(pk=pair.pk).update, locked_until=Now() - timedelta(seconds=1))
    assert seconds == [30, 60, 120, 240, 480, 900, 900, 900]
    token = (await begin_sign_in(api, me))["second_factor_token"]
    assert (await complete(api, token, program.code())).status_code == 200
    assert await rows(FactorAttempt.objects.exclude(client_address="")) == []


async def test_fifty_wrong_codes_from_everywhere_lock_all_but_recovery_codes(api: httpx.AsyncClient):
    me, program, codes = await person(api)
    token = (await begin_sign_in(api, me))["second_factor_token"]
    await complete(from_address("192.0.2.1"), token, program.wrong_code())
    await make(FactorAttempt.objects.filter(client_address="").update, failures=49)
    assert_error(await complete(from_address("192.0.2.2"), token, program.wrong_code()), 400, "WRONG_CODE")
    locked = await complete(from_address("192.0.2.3"), token, program.code())
    assert_error(locked, 429, "LOCKED_OUT")
    assert 86000 < int(locked.headers["retry-after"]) <= 86400
    messages = await make(letters_to, me.user.email)
    assert messages[-1].context["what"].startswith("Many wrong codes were entered for your account")
    (began,) = await rows(AuditEvent.objects.filter(action="account.locked"))
    assert (began.subject_id, began.outcome, began.after) == (me.id, "failure", {"locks_out": "everybody"})
    assert (await complete(from_address("192.0.2.3"), token, codes[0])).status_code == 200


async def test_right_codes_and_old_wrong_codes_do_not_count(api: httpx.AsyncClient):
    me, program, _ = await person(api)
    token = (await begin_sign_in(api, me))["second_factor_token"]
    await complete(api, token, program.wrong_code())
    await make(FactorAttempt.objects.filter(client_address="").update, failures=48)
    assert (await complete(api, token, program.code())).status_code == 200
    (total,) = await rows(FactorAttempt.objects.filter(client_address=""))
    assert (total.failures, total.locked_until) == (48, None)
    day_ago = F("first_failed_at") - timedelta(days=1, seconds=1)
    await make(FactorAttempt.objects.update, first_failed_at=day_ago)
    token = (await begin_sign_in(api, me))["second_factor_token"]
    await complete(api, token, program.wrong_code())
    (total,) = await rows(FactorAttempt.objects.filter(client_address=""))
    assert (total.failures, total.locked_until) == (1, None)


async def test_password_changed_meanwhile_starts_nothing(api: httpx.AsyncClient):
    me, program, _ = await person(api)
    token = (await begin_sign_in(api, me))["second_factor_token"]
    await make(User.objects.filter(pk=me.id).update, password=await hash_password("another long and quiet sentence"))
    assert_error(await complete(api, token, program.code()), 401, "NOT_AUTHENTICATED")
    assert await sessions() == []


@pytest.mark.parametrize("fields", [{"is_active": False}, {"deleted_at": Now()}, {"locked_until": "2999-01-01T00:00Z"}])
async def test_account_suspended_meanwhile_starts_nothing(api: httpx.AsyncClient, fields: dict[str, Any]):
    me, program, _ = await person(api)
    token = (await begin_sign_in(api, me))["second_factor_token"]
    await make(User.objects.filter(pk=me.id).update, **fields)
    assert (await complete(api, token, program.code())).status_code in {400, 401}
    assert await sessions() == []


async def test_token_expires_after_five_minutes(api: httpx.AsyncClient):
    me, program, _ = await person(api)
    token = (await begin_sign_in(api, me))["second_factor_token"]
    await make(OneTimeToken.objects.update, expires_at=Now())
    assert_error(await complete(api, token, program.code()), 401, "SECOND_FACTOR_EXPIRED")
    assert await sessions() == []


@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 100])
async def test_malformed_token_is_rejected(api: httpx.AsyncClient, token: str):
    assert_error(await complete(api, token, "123456"), 401, "SECOND_FACTOR_EXPIRED")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"code": "123456"}, "second_factor_token"),
        ({"second_factor_token": "x"}, "code"),
        ({"second_factor_token": "", "code": "123456"}, "second_factor_token"),
        ({"second_factor_token": "x" * 101, "code": "123456"}, "second_factor_token"),
        ({"second_factor_token": "x", "code": "1"}, "code"),
        ({"second_factor_token": "x", "code": "123456", "user_id": 1}, "user_id"),
    ],
)
async def test_malformed_request_is_rejected(api: httpx.AsyncClient, body: dict[str, object], field: str):
    assert_error(await api.post(SECOND_FACTOR, json=body), 422, "VALIDATION_FAILED", field=field)


async def test_secret_encrypted_under_another_key_has_no_codes(api: httpx.AsyncClient):
    me, program, codes = await person(api)
    await make(TotpDevice.objects.update, secret_encrypted=b"junk")
    token = (await begin_sign_in(api, me))["second_factor_token"]
    assert_error(await complete(api, token, program.code()), 400, "WRONG_CODE")
    assert (await complete(api, token, codes[0])).status_code == 200
