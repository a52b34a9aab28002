"""`/api/v1/auth/second-factors/passkeys`: registered, named, removed."""

from typing import Any

import httpx
import pytest

from apps.second_factors.models import Passkey, RecoveryCode
from tests.support.accounts import audited, customer
from tests.support.assertions import assert_error
from tests.support.factories import make_key
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows
from tests.support.second_factors import (
    FACTORS,
    enrol_passkey,
    enrol_totp,
    let_proofs_grow_old,
    mark_second_factor_verified,
)
from tests.support.software_authenticator import BACKED_UP, BACKUP_ELIGIBLE, PRESENT, SoftwareAuthenticator, base64url

PASSKEYS = f"{FACTORS}/passkeys"
JUNK = base64url(b"\xa1\x00" * 40)


async def ask(api: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, Any]:
    asked = await api.post(f"{PASSKEYS}/options", headers=headers)
    assert asked.status_code == 200
    options: dict[str, Any] = asked.json()
    return options


async def add(api: httpx.AsyncClient, headers: dict[str, str], challenge: str, credential: Any) -> httpx.Response:
    body = {"challenge": challenge, "name": "laptop", "credential": credential}
    return await api.post(PASSKEYS, json=body, headers=headers)


async def test_options_request_a_passkey_of_this_domain_without_attestation(api: httpx.AsyncClient):
    me = await customer(email="ivy@example.com", full_name="Ivy")
    asked = await ask(api, me.headers)
    options = asked["options"]
    assert (asked["challenge"], asked["expires_in"]) == (options["challenge"], 300)
    assert options["rp"] == {"name": "Keyhouse", "id": "localhost"}
    assert (options["user"]["name"], options["user"]["displayName"]) == ("ivy@example.com", "Ivy")
    assert (options["attestation"], options["excludeCredentials"]) == ("none", [])
    assert [parameter["alg"] for parameter in options["pubKeyCredParams"]] == [-8, -7, -257]


async def test_first_passkey_is_registered_with_recovery_codes(api: httpx.AsyncClient):
    me, device = await customer(), SoftwareAuthenticator(flags=PRESENT | BACKUP_ELIGIBLE | BACKED_UP)
    asked = await ask(api, me.headers)
    response = await add(api, me.headers, asked["challenge"], device.create(asked["options"]))
    assert response.status_code == 201
    added = response.json()
    assert (added["passkey"]["name"], len(added["recovery_codes"])) == ("laptop", 10)
    assert added["passkey"]["aaguid"] == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    (row,) = await rows(Passkey.objects.all())
    assert (row.user_id, bytes(row.credential_id), row.sign_count) == (me.id, device.credential_id, 0)
    assert (row.transports, row.is_backup_eligible, row.is_backed_up) == (["internal"], True, True)
    assert bytes(row.user_handle) == device.user_handle
    assert await audited() == [("second_factor.added", row.pk, me.id)]
    (message,) = await make(letters_to, me.user.email)
    assert message.context["what"] == "A second factor was added to your account."
    listed = (await api.get(FACTORS, headers=me.headers)).json()
    assert listed["kinds"] == ["recovery_code", "passkey"]
    assert listed["passkeys"] == [added["passkey"]]


async def test_passkeys_of_an_account_share_its_handle_and_recovery_codes_are_issued_once(api: httpx.AsyncClient):
    me = await customer()
    first = await enrol_passkey(api, me)
    asked = await ask(api, me.headers)
    assert [known["id"] for known in asked["options"]["excludeCredentials"]] == [base64url(first.credential_id)]
    second = SoftwareAuthenticator()
    added = await add(api, me.headers, asked["challenge"], second.create(asked["options"]))
    assert added.json()["recovery_codes"] == []
    assert second.user_handle == first.user_handle


async def test_challenge_is_valid_once(api: httpx.AsyncClient):
    me = await customer()
    asked = await ask(api, me.headers)
    for device, status in ((SoftwareAuthenticator(), 201), (SoftwareAuthenticator(), 422)):
        response = await add(api, me.headers, asked["challenge"], device.create(asked["options"]))
        assert response.status_code == status
        await mark_second_factor_verified(me)
    assert len(await rows(Passkey.objects.all())) == 1


async def test_challenge_of_another_account_is_refused(api: httpx.AsyncClient):
    me, other = await customer(), await customer()
    asked = await ask(api, other.headers)
    refused = await add(api, me.headers, asked["challenge"], SoftwareAuthenticator().create(asked["options"]))
    assert_error(refused, 422, "VALIDATION_FAILED", field="challenge")
    assert await rows(Passkey.objects.all()) == []


async def test_challenge_of_another_purpose_is_refused(api: httpx.AsyncClient):
    me = await customer()
    asked = await ask(api, me.headers)
    public = (await api.post("/api/v1/auth/passkeys/options")).json()
    credential = SoftwareAuthenticator().create({**asked["options"], "challenge": public["challenge"]})
    refused = await add(api, me.headers, public["challenge"], credential)
    assert_error(refused, 422, "VALIDATION_FAILED", field="challenge")


@pytest.mark.parametrize(
    "device",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost.evil.example"},
        {"domain": "evil.example"},
        {"flags": 0},
    ],
    ids=["origin", "longer origin", "domain", "user not present"],
)
async def test_invalid_response_to_the_challenge_is_refused(api: httpx.AsyncClient, device: dict[str, Any]):
    me = await customer()
    asked = await ask(api, me.headers)
    credential = SoftwareAuthenticator(**device).create(asked["options"])
    assert_error(await add(api, me.headers, asked["challenge"], credential), 422, "VALIDATION_FAILED", "credential")
    assert await rows(Passkey.objects.all()) == []
    assert await audited() == []


@pytest.mark.parametrize(
    "attestation",
    [
        {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"x", "x5c": [b"certificate"]}},
        {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"x"}},
        {"fmt": "tpm", "attStmt": {}},
        {"fmt": "unheard-of", "attStmt": {}},
        {"fmt": 7, "attStmt": []},
        {"attStmt": {"sig": b"x"}},
        {"authData": b""},
        {"authData": b"\xff" * 37},
        {"authData": b"\xff" * 4000},
        {"authData": "text"},
        {"authData": None},
    ],
)
async def test_unrequested_or_malformed_attestations_are_refused(api: httpx.AsyncClient, attestation: dict[str, Any]):
    me = await customer()
    asked = await ask(api, me.headers)
    credential = SoftwareAuthenticator().create(asked["options"], **attestation)
    assert_error(await add(api, me.headers, asked["challenge"], credential), 422, "VALIDATION_FAILED", "credential")
    assert await rows(Passkey.objects.all()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": ""},
        {"id": "AAAA"},
        {"rawId": "not base64url!"},
        {"rawId": "A" * 2000},
        {"type": "password"},
        {"response": None},
        {"response": {}},
        {"response": {"clientDataJSON": JUNK, "attestationObject": JUNK}},
        {"response": {"clientDataJSON": base64url(b"[]"), "attestationObject": JUNK}},
        {"response": {"clientDataJSON": base64url(b"[" * 9000), "attestationObject": JUNK}},
        {"response": {"clientDataJSON": base64url(b'{"type":1,"challenge":2,"origin":3}'), "attestationObject": JUNK}},
        {"response": {"clientDataJSON": "A", "attestationObject": "="}},
        {"response": {"clientDataJSON": JUNK, "attestationObject": "A" * 20000}},
    ],
)
async def test_malformed_credentials_are_refused_without_a_server_error(api: httpx.AsyncClient, change: dict[str, Any]):
    me = await customer()
    asked = await ask(api, me.headers)
    credential = {**SoftwareAuthenticator().create(asked["options"]), **change}
    refused = await add(api, me.headers, asked["challenge"], credential)
    assert_error(refused, 422, "VALIDATION_FAILED")
    assert await rows(Passkey.objects.all()) == []


async def test_registered_passkey_is_a_conflict(api: httpx.AsyncClient):
    me, other = await customer(), await customer()
    device = await enrol_passkey(api, me)
    asked = await ask(api, other.headers)
    assert_error(await add(api, other.headers, asked["challenge"], device.create(asked["options"])), 409, "CONFLICT")
    assert [row.user_id for row in await rows(Passkey.objects.all())] == [me.id]


async def test_twenty_first_passkey_is_a_conflict(api: httpx.AsyncClient):
    me = await customer()
    await enrol_passkey(api, me)
    (row,) = await rows(Passkey.objects.all())
    await make(_copy, row, 19)
    asked = await ask(api, me.headers)
    refused = await add(api, me.headers, asked["challenge"], SoftwareAuthenticator().create(asked["options"]))
    assert_error(refused, 409, "CONFLICT")


def _copy(row: Passkey, times: int) -> None:
    for number in range(times):
        row.pk, row.credential_id = None, bytes([number]) * 16
        row.save(force_insert=True)


async def test_passkey_is_renamed(api: httpx.AsyncClient):
    me = await customer()
    await enrol_passkey(api, me)
    (row,) = await rows(Passkey.objects.all())
    response = await api.patch(f"{PASSKEYS}/{row.pk}", json={"name": "desk"}, headers=me.headers)
    assert (response.status_code, response.json()["name"]) == (200, "desk")
    assert (await audited())[-1] == ("passkey.renamed", row.pk, me.id)


async def test_removing_the_last_passkey_deletes_the_recovery_codes(api: httpx.AsyncClient):
    me = await customer()
    await enrol_passkey(api, me)
    (row,) = await rows(Passkey.objects.all())
    assert (await api.delete(f"{PASSKEYS}/{row.pk}", headers=me.headers)).status_code == 204
    assert (await rows(Passkey.objects.all()), await rows(RecoveryCode.objects.all())) == ([], [])
    assert (await audited())[-1] == ("second_factor.removed", row.pk, me.id)
    messages = await make(letters_to, me.user.email)
    assert messages[-1].context["what"] == "A second factor was removed from your account."


async def test_removing_a_passkey_beside_another_factor_keeps_the_recovery_codes(api: httpx.AsyncClient):
    me = await customer()
    await enrol_totp(api, me)
    await enrol_passkey(api, me)
    (row,) = await rows(Passkey.objects.all())
    assert (await api.delete(f"{PASSKEYS}/{row.pk}", headers=me.headers)).status_code == 204
    assert (await api.get(FACTORS, headers=me.headers)).json()["kinds"] == ["totp", "recovery_code"]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_passkey_of_another_account_is_not_found(api: httpx.AsyncClient, method: str):
    me, other = await customer(), await customer()
    await enrol_passkey(api, other)
    (row,) = await rows(Passkey.objects.all())
    body = {"name": "mine"} if method == "PATCH" else None
    refused = await api.request(method, f"{PASSKEYS}/{row.pk}", json=body, headers=me.headers)
    assert_error(refused, 404, "NOT_FOUND")
    assert [row.name for row in await rows(Passkey.objects.all())] == ["laptop"]


@pytest.mark.parametrize(("method", "path"), [("POST", "/options"), ("POST", ""), ("DELETE", "/{id}")])
async def test_changes_need_recent_authentication(api: httpx.AsyncClient, method: str, path: str):
    me, device = await customer(), SoftwareAuthenticator()
    await enrol_passkey(api, me)
    (row,) = await rows(Passkey.objects.all())
    asked = await ask(api, me.headers)
    await let_proofs_grow_old()
    body = {"challenge": asked["challenge"], "credential": device.create(asked["options"])} if path == "" else None
    refused = await api.request(method, PASSKEYS + path.format(id=row.pk), json=body, headers=me.headers)
    assert_error(refused, 401, "STEP_UP_REQUIRED")
    assert [known.pk for known in await rows(Passkey.objects.all())] == [row.pk]


async def test_api_key_is_not_allowed(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user, scopes=["account:read", "account:write"])
    for method, path in (("POST", "/options"), ("DELETE", "/1"), ("PATCH", "/1")):
        body = {"name": "mine"} if method == "PATCH" else None
        refused = await api.request(method, PASSKEYS + path, json=body, headers=key.headers)
        assert_error(refused, 403, "FORBIDDEN")
