"""The Ed25519 keys that sign and verify access tokens (RFC 8037)."""

import secrets
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from apps.authentication.models import SigningKey
from apps.authentication.repositories.signing_key_repository import SigningKeyRepository
from apps.authentication.services.key_encryption import decrypt, encrypt

KID_BYTES = 16


class KeyRing:
    """Keeps the keys that were read; a public key never changes under its id, so it may be kept."""

    def __init__(self, keys: SigningKeyRepository) -> None:
        self._keys = keys
        self._public: dict[str, Ed25519PublicKey] = {}
        self._signing: tuple[str, Ed25519PrivateKey] | None = None

    async def signing_key(self) -> tuple[str, Ed25519PrivateKey]:
        """Return the id and the private half of the newest key; the first call ever makes one."""
        if self._signing is None:
            await self._keys.ensure(_is_ours, _new_key)
            newest = next(key for key in await self._keys.all() if _is_ours(key))
            self._signing = newest.kid, _private_half(newest)
        return self._signing

    async def public_key(self, kid: str) -> Ed25519PublicKey | None:
        """Return the public half of the key with this id, or None."""
        if kid not in self._public:
            await self._read()
        return self._public.get(kid)

    async def jwks(self) -> dict[str, Any]:
        """Return every public key as a JSON Web Key Set (RFC 7517)."""
        await self.signing_key()
        return {"keys": [_jwk(key) for key in await self._keys.all()]}

    async def _read(self) -> None:
        for key in await self._keys.all():
            self._public[key.kid] = Ed25519PublicKey.from_public_bytes(bytes(key.public_key))


def _new_key() -> SigningKey:
    private = Ed25519PrivateKey.generate()
    return SigningKey(
        kid=secrets.token_urlsafe(KID_BYTES),
        public_key=private.public_key().public_bytes_raw(),
        private_key_encrypted=encrypt(private.private_bytes_raw()),
    )


def _is_ours(key: SigningKey) -> bool:
    # A key from before SECRET_KEY was changed still verifies, and cannot sign.
    return decrypt(bytes(key.private_key_encrypted)) is not None


def _private_half(key: SigningKey) -> Ed25519PrivateKey:
    raw = decrypt(bytes(key.private_key_encrypted))
    if raw is None:
        raise ValueError("the signing key was encrypted under another SECRET_KEY")
    return Ed25519PrivateKey.from_private_bytes(raw)


def _jwk(key: SigningKey) -> dict[str, str]:
    x = urlsafe_b64encode(bytes(key.public_key)).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.kid, "x": x}
