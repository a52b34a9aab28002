"""Requests passkeys and verifies authenticators' responses (WebAuthn Level 3), by py_webauthn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, parse_attestation_object, parse_client_data_json
from webauthn.helpers.options_to_json_dict import options_to_json_dict
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRequestOptions,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from apps.second_factors.domain.presented_factors import Assertion, NewCredential
from apps.second_factors.models import Passkey
from apps.second_factors.schemas.passkey import AssertionCredential, AttestationCredential

TIMEOUT_MILLISECONDS = 300_000
KNOWN_TRANSPORTS = {transport.value for transport in AuthenticatorTransport}


class CredentialRefused(Exception):
    """The response is malformed or invalid."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of a new passkey: the account's random handle on authenticators, and the names that they display."""

    handle: bytes
    name: str
    display_name: str


class RelyingParty:
    """Keyhouse as a relying party: its domain, and the origins of the pages that may request its passkeys.

    The methods that read responses take milliseconds of processor time: call them off the event loop. Challenges are
    base64url.
    """

    def __init__(self, domain: str, name: str, origins: Sequence[str]) -> None:
        self._domain = domain
        self._name = name
        self._origins = list(origins)

    def creation_options(
        self, challenge: str, owner: Owner, registered: Sequence[Passkey]
    ) -> PublicKeyCredentialCreationOptions:
        """Return the browser's options for a new passkey, on an authenticator that has none of the registered ones."""
        return generate_registration_options(
            rp_id=self._domain,
            rp_name=self._name,
            user_id=owner.handle,
            user_name=owner.name,
            user_display_name=owner.display_name,
            challenge=base64url_to_bytes(challenge),
            timeout=TIMEOUT_MILLISECONDS,
            # Any authenticator can be a second factor. One that stores the passkey and verifies its user can be the
            # only factor.
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
            ),
            exclude_credentials=_descriptors(registered),
        )

    def request_options(
        self, challenge: str, allowed: Sequence[Passkey], *, must_verify_user: bool
    ) -> PublicKeyCredentialRequestOptions:
        """Return the browser's options for one of the allowed passkeys, or for any passkey if `allowed` is empty."""
        verification = (
            UserVerificationRequirement.REQUIRED if must_verify_user else UserVerificationRequirement.PREFERRED
        )
        return generate_authentication_options(
            rp_id=self._domain,
            challenge=base64url_to_bytes(challenge),
            timeout=TIMEOUT_MILLISECONDS,
            allow_credentials=_descriptors(allowed),
            user_verification=verification,
        )

    def read_attestation(self, credential: AttestationCredential, challenge: str) -> NewCredential:
        """Return the new key pair's public half; raises CredentialRefused.

        No attestation is requested or trusted: only formats without a manufacturer's certificate are accepted.
        """
        return _guarded(self._attestation, credential, challenge)

    def read_assertion(
        self, credential: AssertionCredential, challenge: str, public_key: bytes, *, must_verify_user: bool
    ) -> Assertion:
        """Verify the signature with the public key and return the signed data; raises CredentialRefused.

        The caller compares the counter and the user handle with those stored.
        """
        return _guarded(self._assertion, credential, challenge, public_key, must_verify_user)

    def _attestation(self, credential: AttestationCredential, challenge: str) -> NewCredential:
        _require_same_origin(credential.response.client_data_json)
        _require_no_manufacturer(credential.response.attestation_object)
        shown = verify_registration_response(
            credential=credential.model_dump(by_alias=True),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=self._domain,
            expected_origin=self._origins,
        )
        return NewCredential(
            credential_id=shown.credential_id,
            public_key=shown.credential_public_key,
            sign_count=shown.sign_count,
            aaguid=UUID(shown.aaguid),
            is_backup_eligible=_is_multi_device(shown.credential_device_type),
            is_backed_up=shown.credential_backed_up,
        )

    def _assertion(
        self, credential: AssertionCredential, challenge: str, public_key: bytes, must_verify_user: bool
    ) -> Assertion:
        _require_same_origin(credential.response.client_data_json)
        shown = verify_authentication_response(
            credential=credential.model_dump(by_alias=True),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=self._domain,
            expected_origin=self._origins,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=must_verify_user,
        )
        return Assertion(
            sign_count=shown.new_sign_count,
            is_user_verified=shown.user_verified,
            is_backup_eligible=_is_multi_device(shown.credential_device_type),
            is_backed_up=shown.credential_backed_up,
        )


def options_json(options: PublicKeyCredentialCreationOptions | PublicKeyCredentialRequestOptions) -> dict[str, Any]:
    """Return the options as `parse…OptionsFromJSON` of browsers reads them."""
    return options_to_json_dict(options)


def _guarded[**P, R](read: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    try:
        return read(*args, **kwargs)
    except Exception as error:
        # Malformed CBOR, keys and JSON make the library raise nearly any exception.
        raise CredentialRefused from error


def _require_same_origin(client_data_json: str) -> None:
    # Keyhouse's pages cannot be used to sign in inside a frame of another site.
    if parse_client_data_json(base64url_to_bytes(client_data_json)).cross_origin:
        raise CredentialRefused


def _require_no_manufacturer(attestation_object: str) -> None:
    attestation = parse_attestation_object(base64url_to_bytes(attestation_object))
    is_signed_by_itself = attestation.fmt == AttestationFormat.PACKED and attestation.att_stmt.x5c is None
    if attestation.fmt != AttestationFormat.NONE and not is_signed_by_itself:
        raise CredentialRefused


def _is_multi_device(kind: CredentialDeviceType) -> bool:
    return kind is CredentialDeviceType.MULTI_DEVICE


def _descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=bytes(passkey.credential_id),
            transports=[AuthenticatorTransport(name) for name in passkey.transports if name in KNOWN_TRANSPORTS],
        )
        for passkey in passkeys
    ]
