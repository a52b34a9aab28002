"""Signing in with passkeys: alone, as the second factor, and for re-authentication."""

from typing import Any

import httpx
import pytest
from django.db.models.functions import Now

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.one_time_tokens.models import OneTimeToken
from apps.second_factors.models import Passkey
from apps.second_factors.repositories.passkey_repository import PasskeyRepository
from apps.users.models import User
from tests.support.accounts import Account, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows
from tests.support.second_factors import begin_sign_in, enrol_passkey, let_proofs_grow_old
from tests.support.software_authenticator import (
    BACKUP_ELIGIBLE,
    PRESENT,
    VERIFIED,
    SoftwareAuthenticator,
    base64url,
)

AUTH = "/api/v1/auth"
PASSKEYS = f"{AUTH}/passkeys"
JUNK = base64url(b"\xa1\x00" * 40)


async def person(api: httpx.AsyncClient, **device: Any) -> tuple[Account, SoftwareAuthenticator]:
    """Return a customer with a passkey, who is signed in nowhere else."""
    me = await customer(password=PASSWORD)
    made = await enrol_passkey(api, me, SoftwareAuthenticator(**device))
    await make(Session.objects.all().delete)
    return me, made


async def sign_in(api: httpx.AsyncClient, device: SoftwareAuthenticator, **client_data: Any) -> httpx.Response:
    options = (await api.post(f"{PASSKEYS}/options")).json()
    body = {"challenge": options["challenge"], "credential": device.get(options["options"], **client_data)}
    return await api.post(PASSKEYS, json=body)


async def methods() -> list[list[str]]:
    return [row.methods for row in await rows(Session.objects.order_by("id"))]


async def test_passkey_alone_signs_in_and_counts_as_two_factors(api: httpx.AsyncClient):
    me, device = await person(api)
    response = await sign_in(api, device)
    assert response.status_code == 200
    read = await api.get("/api/v1/users/me", headers={"Authorization": f"Bearer {response.json()['access_token']}"})
    assert read.json()["id"] == me.id
    assert await methods() == [["hwk", "user"]]
    (row,) = await rows(Passkey.objects.all())
    assert (row.sign_count, row.last_used_at is not None) == (1, True)


async def test_passkey_that_may_be_copied_is_a_software_key(api: httpx.AsyncClient):
    _, device = await person(api, flags=PRESENT | VERIFIED | BACKUP_ELIGIBLE, counts=False)
    assert [(await sign_in(api, device)).status_code for _ in range(2)] == [200, 200]
    assert await methods() == [["swk", "user"]] * 2


async def test_options_name_no_account_and_ask_for_the_user(api: httpx.AsyncClient):
    options = (await api.post(f"{PASSKEYS}/options")).json()["options"]
    assert (options["rpId"], options["userVerification"], options["allowCredentials"]) == ("localhost", "required", [])


async def test_device_that_has_not_checked_its_user_is_refused_alone(api: httpx.AsyncClient):
    _, device = await person(api)
    device.flags = PRESENT
    assert_error(await sign_in(api, device), 400, "PASSKEY_REFUSED")
    assert await methods() == []


async def test_counter_that_does_not_grow_is_refused_and_its_owner_notified(api: httpx.AsyncClient):
    me, device = await person(api)
    device.sign_count = 7
    assert (await sign_in(api, device)).status_code == 200
    device.sign_count = 4
    assert_error(await sign_in(api, device), 400, "PASSKEY_REFUSED")
    (row,) = await rows(Passkey.objects.all())
    assert row.sign_count == 8
    assert len(await methods()) == 1
    (event,) = await rows(AuditEvent.objects.filter(action="passkey.cloned"))
    assert (event.subject_id, event.target_id, event.outcome) == (me.id, row.pk, "failure")
    messages = await make(letters_to, me.user.email)
    assert messages[-1].context["what"] == "A passkey of your account was refused, because it may have been copied."


async def test_passkey_removed_meanwhile_is_refused_without_a_notice(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    me, device = await person(api)
    sent, use = len(await make(letters_to, me.user.email)), PasskeyRepository.use

    async def use_what_is_just_removed(self: PasskeyRepository, *args: Any) -> bool:
        await make(Passkey.objects.all().delete)
        return await use(self, *args)

    monkeypatch.setattr(PasskeyRepository, "use", use_what_is_just_removed)
    assert_error(await sign_in(api, device), 400, "PASSKEY_REFUSED")
    assert await rows(AuditEvent.objects.filter(action="passkey.cloned")) == []
    assert len(await make(letters_to, me.user.email)) == sent
    assert await methods() == []


async def test_counter_that_falls_back_to_zero_is_refused(api: httpx.AsyncClient):
    _, device = await person(api)
    assert (await sign_in(api, device)).status_code == 200
    device.sign_count, device.counts = 0, False
    assert_error(await sign_in(api, device), 400, "PASSKEY_REFUSED")
    assert [row.sign_count for row in await rows(Passkey.objects.all())] == [1]


async def test_challenge_is_valid_once(api: httpx.AsyncClient):
    _, device = await person(api)
    options = (await api.post(f"{PASSKEYS}/options")).json()
    for status in (200, 400):
        body = {"challenge": options["challenge"], "credential": device.get(options["options"])}
        assert (await api.post(PASSKEYS, json=body)).status_code == status
    assert len(await methods()) == 1


async def test_challenge_expires_after_five_minutes(api: httpx.AsyncClient):
    _, device = await person(api)
    options = (await api.post(f"{PASSKEYS}/options")).json()
    await make(OneTimeToken.objects.update, expires_at=Now())
    body = {"challenge": options["challenge"], "credential": device.get(options["options"])}
    assert_error(await api.post(PASSKEYS, json=body), 400, "PASSKEY_REFUSED")


async def test_response_to_another_challenge_is_refused(api: httpx.AsyncClient):
    _, device = await person(api)
    options, other = (await api.post(f"{PASSKEYS}/options")).json(), (await api.post(f"{PASSKEYS}/options")).json()
    body = {"challenge": options["challenge"], "credential": device.get(other["options"])}
    assert_error(await api.post(PASSKEYS, json=body), 400, "PASSKEY_REFUSED")
    assert await methods() == []


async def test_unknown_passkey_is_refused(api: httpx.AsyncClient):
    _, device = await person(api)
    unknown = SoftwareAuthenticator(user_handle=device.user_handle)
    assert_error(await sign_in(api, unknown), 400, "PASSKEY_REFUSED")
    assert await rows(AuditEvent.objects.filter(action="passkey.refused")) == []


async def test_another_key_under_a_known_id_is_refused(api: httpx.AsyncClient):
    me, device = await person(api)
    forged = SoftwareAuthenticator(credential_id=device.credential_id, user_handle=device.user_handle)
    assert_error(await sign_in(api, forged), 400, "PASSKEY_REFUSED")
    (event,) = await rows(AuditEvent.objects.filter(action="passkey.refused"))
    assert (event.subject_id, event.outcome) == (me.id, "failure")
    assert [row.sign_count for row in await rows(Passkey.objects.all())] == [0]


@pytest.mark.parametrize("handle", [None, b"another account", b""])
async def test_handle_of_another_account_is_refused(api: httpx.AsyncClient, handle: bytes | None):
    _, device = await person(api)
    device.user_handle = handle
    assert (await sign_in(api, device)).status_code in {400, 422}
    assert await methods() == []


@pytest.mark.parametrize(
    ("device", "client_data"),
    [
        ({"origin": "https://evil.example"}, {}),
        ({"domain": "evil.example"}, {}),
        ({"flags": VERIFIED}, {}),
        ({"flags": PRESENT | VERIFIED | BACKUP_ELIGIBLE}, {}),
        ({}, {"crossOrigin": True}),
        ({}, {"type": "webauthn.create"}),
    ],
    ids=["origin", "domain", "no user present", "suddenly copied", "another site's frame", "another ceremony"],
)
async def test_assertion_for_another_origin_or_party_is_refused(
    api: httpx.AsyncClient, device: dict[str, Any], client_data: dict[str, Any]
):
    _, made = await person(api)
    for name, value in device.items():
        setattr(made, name, value)
    assert_error(await sign_in(api, made, **client_data), 400, "PASSKEY_REFUSED")
    assert await methods() == []


@pytest.mark.parametrize(
    "change",
    [
        {"response": {}},
        {"response": None},
        {"id": None},
        {"rawId": "AAAA"},
        {"type": "x"},
        {"response": {"clientDataJSON": JUNK, "authenticatorData": JUNK, "signature": JUNK}},
        {"response": {"clientDataJSON": base64url(b"{}"), "authenticatorData": "AA", "signature": "AA"}},
        {"response": {"clientDataJSON": base64url(b"[" * 9000), "authenticatorData": JUNK, "signature": JUNK}},
        {"response": {"clientDataJSON": JUNK, "authenticatorData": JUNK, "signature": JUNK, "userHandle": "A"}},
        {"response": {"clientDataJSON": JUNK, "authenticatorData": JUNK, "signature": JUNK, "userHandle": 7}},
    ],
)
async def test_malformed_credentials_are_rejected(api: httpx.AsyncClient, change: dict[str, Any]):
    _, device = await person(api)
    options = (await api.post(f"{PASSKEYS}/options")).json()
    body = {"challenge": options["challenge"], "credential": {**device.get(options["options"]), **change}}
    assert (await api.post(PASSKEYS, json=body)).status_code in {400, 422}
    assert await methods() == []


@pytest.mark.parametrize("fields", [{"is_active": False}, {"deleted_at": Now()}])
async def test_unusable_account_starts_nothing(api: httpx.AsyncClient, fields: dict[str, Any]):
    me, device = await person(api)
    await make(User.objects.filter(pk=me.id).update, **fields)
    assert (await sign_in(api, device)).status_code in {400, 401}
    assert await methods() == []


async def test_right_passkey_of_a_suspended_account_is_recorded(api: httpx.AsyncClient):
    me, device = await person(api)
    await make(User.objects.filter(pk=me.id).update, is_active=False)
    assert_error(await sign_in(api, device), 401, "NOT_AUTHENTICATED")
    event = (await rows(AuditEvent.objects.order_by("-id")))[0]
    assert (event.action, event.outcome, event.subject_id, event.actor_id) == (
        "session.refused", "failure", me.id, None,
    )  # fmt: skip
    assert event.after == {"methods": ["hwk", "user"], "code": "NOT_AUTHENTICATED"}


async def test_passkey_completes_a_sign_in(api: httpx.AsyncClient):
    me, device = await person(api, flags=PRESENT)
    device.user_handle = None  # an old security key names no account
    needed = await begin_sign_in(api, me)
    assert needed["kinds"] == ["recovery_code", "passkey"]
    token = {"second_factor_token": needed["second_factor_token"]}
    options = (await api.post(f"{AUTH}/second-factor/passkey/options", json=token)).json()
    assert [known["id"] for known in options["options"]["allowCredentials"]] == [base64url(device.credential_id)]
    body = {**token, "challenge": options["challenge"], "credential": device.get(options["options"])}
    assert (await api.post(f"{AUTH}/second-factor/passkey", json=body)).status_code == 200
    assert await methods() == [["pwd", "hwk"]]
    assert_error(await api.post(f"{AUTH}/second-factor/passkey", json=body), 401, "SECOND_FACTOR_EXPIRED")


async def test_passkey_of_another_account_completes_nothing(api: httpx.AsyncClient):
    me, _ = await person(api)
    _, others = await person(api)
    token = {"second_factor_token": (await begin_sign_in(api, me))["second_factor_token"]}
    options = (await api.post(f"{AUTH}/second-factor/passkey/options", json=token)).json()
    body = {**token, "challenge": options["challenge"], "credential": others.get(options["options"])}
    assert_error(await api.post(f"{AUTH}/second-factor/passkey", json=body), 400, "PASSKEY_REFUSED")
    assert await methods() == []


async def test_challenge_for_signing_in_is_valid_for_nothing_else(api: httpx.AsyncClient):
    me, device = await person(api)
    token = {"second_factor_token": (await begin_sign_in(api, me))["second_factor_token"]}
    options = (await api.post(f"{PASSKEYS}/options")).json()
    body = {**token, "challenge": options["challenge"], "credential": device.get(options["options"])}
    assert_error(await api.post(f"{AUTH}/second-factor/passkey", json=body), 400, "PASSKEY_REFUSED")


async def test_options_need_a_valid_token(api: httpx.AsyncClient):
    refused = await api.post(f"{AUTH}/second-factor/passkey/options", json={"second_factor_token": "x"})
    assert_error(refused, 401, "SECOND_FACTOR_EXPIRED")


async def test_passkey_reauthenticates_an_account_without_a_password(api: httpx.AsyncClient):
    me = await customer()
    device = await enrol_passkey(api, me)
    await let_proofs_grow_old()
    await make(Session.objects.update, methods=["fed"])
    options = (await api.post(f"{AUTH}/step-up/passkey/options", headers=me.headers)).json()
    passkey = {"challenge": options["challenge"], "credential": device.get(options["options"])}
    response = await api.post(f"{AUTH}/step-up", json={"passkey": passkey}, headers=me.headers)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert await methods() == [["fed", "hwk", "user"]]
    assert (await api.post(f"{AUTH}/second-factors/recovery-codes", headers=me.headers)).status_code == 200


async def test_wrong_passkey_does_not_reauthenticate(api: httpx.AsyncClient):
    me = await customer()
    device = await enrol_passkey(api, me)
    await let_proofs_grow_old()
    options = (await api.post(f"{AUTH}/step-up/passkey/options", headers=me.headers)).json()
    forged = SoftwareAuthenticator(credential_id=device.credential_id)
    passkey = {"challenge": options["challenge"], "credential": forged.get(options["options"])}
    refused = await api.post(f"{AUTH}/step-up", json={"passkey": passkey}, headers=me.headers)
    assert_error(refused, 400, "PASSKEY_REFUSED")
    refused = await api.post(f"{AUTH}/second-factors/recovery-codes", headers=me.headers)
    assert_error(refused, 401, "STEP_UP_REQUIRED")
