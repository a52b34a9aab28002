"""Options for authenticators, and verifying their responses; the counter is left to the database."""

from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import parse_cbor
from webauthn.helpers.options_to_json_dict import options_to_json_dict

from apps.second_factors.models import Passkey
from apps.second_factors.schemas.passkey import AssertionCredential, AttestationCredential
from apps.second_factors.services.relying_party import (
    CredentialRefused,
    Owner,
    RelyingParty,
    _require_no_manufacturer,
    options_json,
)
from tests.support.software_authenticator import (
    AAGUID,
    BACKED_UP,
    BACKUP_ELIGIBLE,
    PRESENT,
    VERIFIED,
    SoftwareAuthenticator,
    base64url,
    from_base64url,
)

pytestmark = pytest.mark.unit

CHALLENGE = "A" * 43
ORIGIN = "https://app.example.com"
OWNER = Owner(b"handle", "ivy@example.com", "Ivy")
PARTY = RelyingParty("example.com", "Keyhouse", [ORIGIN, "https://api.example.com"])


def authenticator(**fields: Any) -> SoftwareAuthenticator:
    return SoftwareAuthenticator(**{"origin": ORIGIN, "domain": "example.com", **fields})


def creation() -> dict[str, Any]:
    return options_json(PARTY.creation_options(CHALLENGE, OWNER, []))


def made_by(device: SoftwareAuthenticator) -> AttestationCredential:
    return AttestationCredential(**device.create(creation()))


def assertion_of(device: SoftwareAuthenticator, **client_data: Any) -> AssertionCredential:
    return AssertionCredential(**device.get({"challenge": CHALLENGE}, **client_data))


def test_challenge_is_the_token_itself():
    request = PARTY.request_options(CHALLENGE, [], must_verify_user=True)
    assert [creation()["challenge"], options_to_json_dict(request)["challenge"]] == [CHALLENGE] * 2
    asked = options_to_json_dict(request)
    assert (asked["rpId"], asked["userVerification"], asked["timeout"]) == ("example.com", "required", 300_000)


def test_options_of_a_new_passkey_name_site_and_owner_and_leave_out_registered_devices():
    options = options_json(PARTY.creation_options(CHALLENGE, OWNER, [Passkey(credential_id=b"id", transports=["usb"])]))
    assert (options["rp"], options["timeout"]) == ({"id": "example.com", "name": "Keyhouse"}, 300_000)
    assert options["user"] == {"id": base64url(b"handle"), "name": "ivy@example.com", "displayName": "Ivy"}
    assert options["excludeCredentials"] == [{"id": "aWQ", "type": "public-key", "transports": ["usb"]}]
    selection = options["authenticatorSelection"]
    assert (selection["residentKey"], selection["userVerification"]) == ("preferred", "preferred")


def test_passkey_that_attests_itself_is_read_and_one_with_a_manufacturers_certificate_is_not():
    device, options = authenticator(), creation()
    made = device.create(options)["response"]
    signed = (
        parse_cbor(from_base64url(made["attestationObject"]))["authData"]
        + sha256(from_base64url(made["clientDataJSON"])).digest()
    )
    statement = {"alg": -7, "sig": device.key.sign(signed, ECDSA(SHA256()))}
    credential = device.create(options, fmt="packed", attStmt=statement)
    new = PARTY.read_attestation(AttestationCredential(**credential), CHALLENGE)
    assert (new.credential_id, new.aaguid) == (device.credential_id, UUID(bytes=AAGUID))
    certified = device.create(options, fmt="packed", attStmt={**statement, "x5c": [b"certificate"]})
    with pytest.raises(CredentialRefused):  # before anything reads the certificate
        _require_no_manufacturer(certified["response"]["attestationObject"])


def test_allowed_passkeys_are_listed_with_their_known_transports():
    known = Passkey(credential_id=b"id", transports=["usb", "telepathy"])
    request = options_json(PARTY.request_options(CHALLENGE, [known], must_verify_user=False))
    assert request["allowCredentials"] == [{"id": "aWQ", "type": "public-key", "transports": ["usb"]}]
    assert request["userVerification"] == "preferred"


@pytest.mark.parametrize("origin", [ORIGIN, "https://api.example.com"])
def test_new_passkey_is_read(origin: str):
    device = authenticator(origin=origin, flags=PRESENT | BACKUP_ELIGIBLE | BACKED_UP, sign_count=3)
    new = PARTY.read_attestation(made_by(device), CHALLENGE)
    assert (new.credential_id, new.sign_count) == (device.credential_id, 3)
    assert (new.is_backup_eligible, new.is_backed_up) == (True, True)


@pytest.mark.parametrize("must_verify_user", [True, False])
def test_valid_assertion_is_read(must_verify_user: bool):
    device = authenticator()
    public_key = PARTY.read_attestation(made_by(device), CHALLENGE).public_key
    shown = PARTY.read_assertion(assertion_of(device), CHALLENGE, public_key, must_verify_user=must_verify_user)
    assert (shown.sign_count, shown.is_user_verified) == (1, True)


def test_counter_is_left_to_the_caller():
    device = authenticator(counts=False)
    public_key = PARTY.read_attestation(made_by(device), CHALLENGE).public_key
    counts = []
    for sign_count in (9, 9, 4, 0):
        device.sign_count = sign_count
        shown = PARTY.read_assertion(assertion_of(device), CHALLENGE, public_key, must_verify_user=True)
        counts.append(shown.sign_count)
    assert counts == [9, 9, 4, 0]


@pytest.mark.parametrize(
    ("changes", "client_data", "must_verify_user"),
    [
        ({"origin": "https://app.example.com.evil.example"}, {}, False),
        ({"origin": "http://app.example.com"}, {}, False),
        ({"domain": "app.example.com"}, {}, False),
        ({"flags": PRESENT}, {}, True),
        ({"flags": VERIFIED}, {}, False),
        ({"flags": PRESENT | BACKED_UP}, {}, False),
        ({}, {"crossOrigin": True}, False),
        ({}, {"type": "webauthn.create"}, False),
        ({}, {"challenge": "B" * 43}, False),
    ],
)
def test_invalid_assertion_is_refused(changes: dict[str, Any], client_data: dict[str, Any], must_verify_user: bool):
    device = authenticator()
    public_key = PARTY.read_attestation(made_by(device), CHALLENGE).public_key
    for name, value in changes.items():
        setattr(device, name, value)
    with pytest.raises(CredentialRefused):
        PARTY.read_assertion(
            assertion_of(device, **client_data), CHALLENGE, public_key, must_verify_user=must_verify_user
        )


@pytest.mark.parametrize("public_key", [b"", b"junk", b"\xa0", b"\xff" * 100])
def test_malformed_stored_key_is_refused(public_key: bytes):
    with pytest.raises(CredentialRefused):
        PARTY.read_assertion(assertion_of(authenticator()), CHALLENGE, public_key, must_verify_user=False)
