"""The attacks of Sudhodanan and Paverd, "Pre-hijacked accounts", USENIX Security 2022.

An attacker prepares an account with the victim's address; later the victim takes the account over, by any way that the
product offers. Nothing of what the attacker has prepared may work then.
"""

from typing import Any

import httpx
import pytest

from apps.api_keys.models import ApiKey
from apps.audit.models import AuditEvent
from apps.identities.dependencies import account_linking
from apps.identities.domain.provider import Profile
from apps.identities.services.account_linking import AccountEmailUnverified, ProviderEmailUnverified
from apps.second_factors.models import Passkey, TotpDevice
from apps.users.models import User
from tests.support.accounts import Account, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_key
from tests.support.links import tokens_to
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows
from tests.support.second_factors import enrol_totp

API = "/api/v1"
VICTIM, ATTACKER = "victim@example.com", "attacker@example.com"
NEW_PASSWORD = "another horse altogether"


async def sign_in(api: httpx.AsyncClient, password: str, email: str = VICTIM) -> httpx.Response:
    return await api.post(f"{API}/auth/login", json={"email": email, "password": password})


async def prepare(api: httpx.AsyncClient) -> dict[str, str]:
    """Sign up with the victim's address, and return the attacker's credentials: access and refresh token, key."""
    new = {"email": VICTIM, "username": "victim", "password": PASSWORD}
    assert (await api.post(f"{API}/users", json=new)).status_code == 201
    pair = (await sign_in(api, PASSWORD)).json()
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    fields = {"name": "trojan", "scopes": ["account:read", "account:write"]}
    key = (await api.post(f"{API}/api-keys", json=fields, headers=headers)).json()
    child = (await api.post(f"{API}/api-keys", json={"name": "child"}, headers={"X-API-Key": key["api_key"]})).json()
    return {**pair, "key": key["api_key"], "child": child["api_key"]}


async def take_over(api: httpx.AsyncClient, email: str = VICTIM) -> dict[str, Any]:
    """Reset the password by mail, as the victim, and return the response."""
    await api.post(f"{API}/auth/forgot-password", json={"email": email})
    (token,) = await tokens_to(email, "reset_password")
    done = await api.post(f"{API}/auth/reset-password", json={"token": token, "new_password": NEW_PASSWORD})
    assert done.status_code == 200, done.text
    answer: dict[str, Any] = done.json()
    return answer


async def assert_attacker_is_out(api: httpx.AsyncClient, had: dict[str, str]) -> None:
    me = f"{API}/users/me"
    for headers in ({"Authorization": f"Bearer {had['access_token']}"}, {"X-API-Key": had["key"]}):
        assert_error(await api.get(me, headers=headers), 401, "NOT_AUTHENTICATED")
    refreshed = await api.post(f"{API}/auth/refresh", json={"refresh_token": had["refresh_token"]})
    assert refreshed.status_code == 401
    assert (await sign_in(api, PASSWORD)).status_code == 401
    assert await rows(ApiKey.objects.filter(revoked_at=None)) == []


async def test_unexpired_session_and_keys_end_when_the_victim_takes_the_account_over(api: httpx.AsyncClient):
    had = await prepare(api)
    answer = await take_over(api)
    assert (answer["api_keys"], answer["revoked_api_keys"]) == (None, 2)
    await assert_attacker_is_out(api, had)
    assert (await sign_in(api, NEW_PASSWORD)).status_code == 200
    (reason,) = {key.revoked_reason for key in await rows(ApiKey.objects.all())}
    assert reason == "Created before the address of the account was verified."
    assert "The API keys of the account, 2 in number, were revoked" in (await make(letters_to, VICTIM))[-1].text
    assert len(await rows(AuditEvent.objects.filter(action="api_key.revoked"))) == 2


async def test_tokens_exchanged_for_a_key_end_with_it(api: httpx.AsyncClient):
    had = await prepare(api)
    me = (await rows(User.objects.all()))[0]
    key = (await rows(ApiKey.objects.filter(name="trojan")))[0]
    basic = httpx.BasicAuth(str(key.pk), had["key"])
    form = {"grant_type": "client_credentials", "scope": "account:read"}
    token = (await api.post(f"{API}/oauth/token", data=form, auth=basic)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await api.get(f"{API}/users/me", headers=headers)).json()["id"] == me.pk
    await take_over(api)
    assert_error(await api.get(f"{API}/users/me", headers=headers), 401, "NOT_AUTHENTICATED")


async def test_classic_federated_merge_is_refused_until_the_victim_takes_the_account_over(api: httpx.AsyncClient):
    had = await prepare(api)
    profile = Profile("acme", "https://acme.example", "victim-1", VICTIM, is_verified=True, full_name="Victim")
    with pytest.raises(AccountEmailUnverified):
        await account_linking().account_of(profile)
    await take_over(api)
    user_id = await account_linking().account_of(profile)
    assert user_id == (await rows(User.objects.all()))[0].pk
    await assert_attacker_is_out(api, had)


async def test_an_address_that_the_provider_has_not_verified_makes_and_finds_no_account(api: httpx.AsyncClient):
    profile = Profile("acme", "https://acme.example", "attacker-1", VICTIM, is_verified=False, full_name="")
    with pytest.raises(ProviderEmailUnverified):
        await account_linking().account_of(profile)
    await customer(email=VICTIM)
    with pytest.raises(ProviderEmailUnverified):
        await account_linking().account_of(profile)


async def test_an_unverified_account_takes_no_identity_and_no_second_factor(api: httpx.AsyncClient):
    had = await prepare(api)
    headers = {"Authorization": f"Bearer {had['access_token']}"}
    for path in ("totp", "passkeys/options"):
        refused = await api.post(f"{API}/auth/second-factors/{path}", headers=headers)
        assert_error(refused, 403, "EMAIL_NOT_VERIFIED")


async def test_trojan_identifier_is_not_confirmed_without_the_password(api: httpx.AsyncClient):
    attacker = await customer(email=ATTACKER, password=PASSWORD)
    await enrol_totp(api, attacker)
    change = {"email": VICTIM}
    assert (await api.patch(f"{API}/users/me", json=change, headers=attacker.headers)).status_code == 200
    (old,) = await tokens_to(ATTACKER, "confirm_email_change")
    (new,) = await tokens_to(VICTIM, "confirm_new_email")
    confirm = f"{API}/auth/confirm-email"
    assert (await api.post(confirm, json={"token": old})).json() == {"status": "pending"}
    assert_error(await api.post(confirm, json={"token": new}), 422, "VALIDATION_FAILED", field="password")
    for _ in range(5):
        wrong = await api.post(confirm, json={"token": new, "password": NEW_PASSWORD})
        assert_error(wrong, 400, "WRONG_PASSWORD")
    assert_error(await api.post(confirm, json={"token": new, "password": PASSWORD}), 400, "INVALID_TOKEN")
    assert [user.email for user in await rows(User.objects.all())] == [ATTACKER]


async def test_unexpired_change_of_address_is_void_once_the_victim_has_taken_the_account_over(api: httpx.AsyncClient):
    had = await prepare(api)
    headers = {"Authorization": f"Bearer {had['access_token']}"}
    assert (await api.patch(f"{API}/users/me", json={"email": ATTACKER}, headers=headers)).status_code == 200
    (token,) = await tokens_to(ATTACKER, "confirm_new_email")
    await take_over(api)
    for password in (PASSWORD, NEW_PASSWORD):
        refused = await api.post(f"{API}/auth/confirm-email", json={"token": token, "password": password})
        assert_error(refused, 400, "INVALID_TOKEN")
    assert [user.email for user in await rows(User.objects.all())] == [VICTIM]


async def test_a_link_that_the_victim_follows_does_not_bless_the_attackers_password(api: httpx.AsyncClient):
    await prepare(api)
    (token,) = await tokens_to(VICTIM, "verify_email")
    assert_error(
        await api.post(f"{API}/auth/verify-email", json={"token": token}), 422, "VALIDATION_FAILED", field="password"
    )
    guess = await api.post(f"{API}/auth/verify-email", json={"token": token, "password": "the victim's own one"})
    assert_error(guess, 400, "WRONG_PASSWORD")
    (user,) = await rows(User.objects.all())
    assert user.email_verified_at is None


async def with_key(api: httpx.AsyncClient, **fields: Any) -> tuple[Account, dict[str, str]]:
    me = await customer(email=VICTIM, password=PASSWORD, **fields)
    key = await make(make_key, me.user, scopes=["account:read"])
    return me, key.headers


async def test_keys_and_factors_of_a_verified_account_survive_a_reset(api: httpx.AsyncClient):
    me, headers = await with_key(api)
    await enrol_totp(api, me)
    answer = await take_over(api)
    assert (answer["api_keys"]["total"], answer["revoked_api_keys"]) == (1, 0)
    assert (await api.get(f"{API}/users/me", headers=headers)).status_code == 200
    assert len(await rows(TotpDevice.objects.all())) == 1


async def test_keys_survive_where_staff_have_changed_the_verified_address(api: httpx.AsyncClient):
    me, headers = await with_key(api)
    staff = await superuser()
    moved = "moved@example.com"
    changed = await api.patch(f"{API}/users/{me.id}", json={"email": moved}, headers=staff.headers)
    assert (changed.status_code, changed.json()["email_verified_at"]) == (200, None)
    assert (await take_over(api, moved))["api_keys"]["total"] == 1
    assert (await api.get(f"{API}/users/me", headers=headers)).status_code == 200


async def test_a_member_of_staff_without_a_verified_address_keeps_the_second_factor(api: httpx.AsyncClient):
    me = await superuser(email=VICTIM, password=PASSWORD)
    await enrol_totp(api, me)
    await make(make_key, me.user, scopes=["account:read"])
    assert (await take_over(api))["api_keys"]["total"] == 1
    assert len(await rows(TotpDevice.objects.all())) == 1


async def test_factors_of_an_account_that_was_never_verified_are_removed(api: httpx.AsyncClient):
    me, _ = await with_key(api)
    await enrol_totp(api, me)
    await make(
        Passkey.objects.create, user=me.user, user_handle=b"x" * 64, name="p", credential_id=b"x", public_key=b"x",
        aaguid="00000000-0000-0000-0000-000000000000", sign_count=0, is_backup_eligible=False, is_backed_up=False,
    )  # fmt: skip
    await make(User.objects.filter(pk=me.id).update, email_verified_at=None)  # as if it had never been
    await take_over(api)
    assert (await rows(TotpDevice.objects.all()), await rows(Passkey.objects.all())) == ([], [])
    assert (await sign_in(api, NEW_PASSWORD)).status_code == 200
