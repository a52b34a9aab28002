"""A session that a password began before the first second factor must re-authenticate with the factor."""

from typing import Any

import httpx
import pytest

from apps.authentication.models import Session
from apps.second_factors.schemas.second_factor import FactorKind
from apps.second_factors.services.second_factors import SecondFactors
from apps.users.models import User
from tests.support.accounts import Account, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD
from tests.support.orm import make, rows
from tests.support.second_factors import enrol_passkey, enrol_totp

FACTORS = "/api/v1/auth/second-factors"
STEP_UP = "/api/v1/auth/step-up"


async def signed_in(api: httpx.AsyncClient, account: Account) -> dict[str, str]:
    """Sign in by the password alone, and return the headers of that session."""
    credentials = {"email": account.user.email, "password": PASSWORD}
    answer = await api.post("/api/v1/auth/login", json=credentials)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def operations(account: Account) -> dict[str, tuple[str, str, Any]]:
    """Return the requests that an attacker would send first."""
    return {
        "address": ("PATCH", f"/api/v1/users/{account.id}", {"email": "attacker@example.com"}),
        "deletion": ("DELETE", f"/api/v1/users/{account.id}", None),
        "export": ("GET", "/api/v1/users/me/export", None),
        "other sessions": ("DELETE", "/api/v1/auth/sessions", None),
        "factors": ("DELETE", f"{FACTORS}/totp", None),
    }


@pytest.mark.parametrize("name", ["address", "deletion", "export", "other sessions", "factors"])
@pytest.mark.parametrize("enrol", [enrol_totp, enrol_passkey])
async def test_authentication_before_the_first_factor_is_not_recent(api: httpx.AsyncClient, name: str, enrol: Any):
    me = await customer(password=PASSWORD)
    attacker = await signed_in(api, me)
    begun = await make(Session.objects.latest, "id")
    await enrol(api, me)
    # The helper has let all sessions prove the factor.
    await make(begun.save, update_fields=["methods", "authenticated_at"])
    method, path, body = operations(me)[name]
    assert_error(await api.request(method, path, json=body, headers=attacker), 401, "STEP_UP_REQUIRED")
    assert_error(await api.post(STEP_UP, json={"password": PASSWORD}, headers=attacker), 403, "SECOND_FACTOR_REQUIRED")
    assert len(await rows(Session.objects.filter(revoked_at=None))) == 2
    (user,) = await rows(User.objects.filter(pk=me.id))
    assert (user.deleted_at, user.pending_email) == (None, "")


async def test_session_continues_after_showing_the_new_factor(api: httpx.AsyncClient):
    me = await customer()
    authenticator, _ = await enrol_totp(api, me)
    body = {"email": "elsewhere@example.com"}
    assert (await api.patch("/api/v1/users/me", json=body, headers=me.headers)).status_code == 200
    proven = await api.post(STEP_UP, json={"code": authenticator.code(1)}, headers=me.headers)
    assert proven.status_code == 200


async def test_another_factor_requires_no_reauthentication(api: httpx.AsyncClient):
    me = await customer()
    await enrol_totp(api, me)
    (user,) = await rows(User.objects.filter(pk=me.id))
    await enrol_passkey(api, me)
    (again,) = await rows(User.objects.filter(pk=me.id))
    assert user.proofs_ended_at is not None
    assert again.proofs_ended_at == user.proofs_ended_at
    assert (await api.get("/api/v1/users/me/export", headers=me.headers)).status_code == 200


async def test_password_verified_while_the_factor_was_added_is_not_enough(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    me = await customer(password=PASSWORD)
    attacker = await signed_in(api, me)
    await enrol_totp(api, me)
    before = [(session.pk, session.authenticated_at) for session in await rows(Session.objects.order_by("id"))]

    async def none_yet(_factors: SecondFactors, _user_id: int) -> tuple[FactorKind, ...]:
        return ()  # as before the factor was added

    monkeypatch.setattr(SecondFactors, "kinds_of", none_yet)
    credentials = {"email": me.user.email, "password": PASSWORD}
    assert_error(await api.post("/api/v1/auth/login", json=credentials), 401, "NOT_AUTHENTICATED")
    assert_error(await api.post(STEP_UP, json={"password": PASSWORD}, headers=attacker), 403, "SECOND_FACTOR_REQUIRED")
    after = [(session.pk, session.authenticated_at) for session in await rows(Session.objects.order_by("id"))]
    assert after == before
