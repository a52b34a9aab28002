"""A software authenticator: creates passkeys and signs with them, correctly or, if a test requests it, incorrectly."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from webauthn.helpers import encode_cbor

PRESENT, VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
AAGUID = bytes(range(16))


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    return urlsafe_b64decode(f"{text}===")


@dataclass
class SoftwareAuthenticator:
    """A passkey. `flags` are the flags of its authenticator data, `sign_count` is its last signature counter."""

    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    sign_count: int = 0
    counts: bool = True
    flags: int = PRESENT | VERIFIED
    origin: str = ""
    domain: str = ""
    user_handle: bytes | None = None

    def __post_init__(self) -> None:
        self.origin = self.origin or settings.PASSKEY_ORIGINS[0]
        self.domain = self.domain or settings.PASSKEY_DOMAIN

    def create(self, options: dict[str, Any], **attestation: Any) -> dict[str, Any]:
        """Return the result of `navigator.credentials.create()` for the options."""
        self.user_handle = from_base64url(options["user"]["id"])
        stored = (
            AAGUID + len(self.credential_id).to_bytes(2, "big") + self.credential_id + encode_cbor(self._cose_key())
        )
        statement = {"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + stored, **attestation}
        response = {
            "clientDataJSON": base64url(self._client_data("webauthn.create", options["challenge"])),
            "attestationObject": base64url(encode_cbor(statement)),
            "transports": ["internal"],
        }
        return self._credential(response)

    def get(self, options: dict[str, Any], **client_data: Any) -> dict[str, Any]:
        """Return the result of `navigator.credentials.get()` for the options."""
        self.sign_count += self.counts
        data, client = self._data(), self._client_data("webauthn.get", options["challenge"], **client_data)
        response = {
            "clientDataJSON": base64url(client),
            "authenticatorData": base64url(data),
            "signature": base64url(self.key.sign(data + sha256(client).digest(), ECDSA(SHA256()))),
        }
        if self.user_handle is not None:
            response["userHandle"] = base64url(self.user_handle)
        return self._credential(response)

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        credential_id = base64url(self.credential_id)
        return {
            "id": credential_id,
            "rawId": credential_id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }

    def _client_data(self, kind: str, challenge: str, /, **more: Any) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, **more}).encode()

    def _data(self, more_flags: int = 0) -> bytes:
        flags = bytes([self.flags | more_flags])
        return sha256(self.domain.encode()).digest() + flags + self.sign_count.to_bytes(4, "big")

    def _cose_key(self) -> dict[int, Any]:
        numbers = self.key.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
