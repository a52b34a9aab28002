"""The Ed25519 keys that sign and verify access tokens (RFC 8037)."""

import asyncio
import re
import secrets
from base64 import urlsafe_b64encode
from math import inf
from time import monotonic
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.utils import timezone

from apps.authentication.models import SigningKey
from apps.authentication.repositories.signing_key_repository import SigningKeyRepository
from apps.authentication.services.key_encryption import decrypt, encrypt
from apps.core.errors import Unavailable

KID_BYTES = 16
KID = re.compile(r"[A-Za-z0-9_-]{22}")  # what token_urlsafe makes of so many bytes
KEY_SET_SECONDS = 300  # for how long others may keep the published set
VIEW_SECONDS = 5.0
LOOKS_APART_SECONDS = 0.5
GLANCE_SECONDS = 0.01


class KeyRing:
    """The keys as the database had them at the last look.

    Who signs looks each time. Who verifies believes the last look for VIEW_SECONDS. A key id that it does not show is
    looked for once more, but at most one such look is begun in LOOKS_APART_SECONDS: whoever asks meanwhile waits for
    the next, so strangers with made-up ids cost no query each, and nobody with a new key is turned away.
    """

    def __init__(self, keys: SigningKeyRepository) -> None:
        self._keys = keys
        self._rows: list[SigningKey] = []
        self._public: dict[str, Ed25519PublicKey] = {}
        self._look_begun_at = self._seen_at = -inf  # the last look's beginning, and that of the last one that returned

    async def signing_key(self) -> tuple[str, Ed25519PrivateKey]:
        """Return the id and the private half of the newest key that signs; the first call ever makes one."""
        await self._look()
        newest = self._newest()
        if newest is None:
            await self._keys.ensure(_may_sign, new_key)
            await self._look()
            newest = self._newest()
        if newest is None:
            raise Unavailable("The signing keys are being changed; try again shortly.")
        return newest.kid, _private_half(newest)

    async def public_key(self, kid: str) -> Ed25519PublicKey | None:
        """Return the public half of the key with this id, or None when there is none or it has retired."""
        if kid in self._public:
            await self._renew_view()
        elif KID.fullmatch(kid):
            await self._look_for(kid)
        return self._public.get(kid)

    async def jwks(self) -> dict[str, Any]:
        """Return every public key that is believed as a JSON Web Key Set (RFC 7517)."""
        await self.signing_key()
        return {"keys": [_jwk(key) for key in self._rows]}

    async def _renew_view(self) -> None:
        now = monotonic()
        # One looks, and the others go on with the view that is: it is older by one look at most.
        if now - self._seen_at > VIEW_SECONDS and now - self._look_begun_at > LOOKS_APART_SECONDS:
            await self._look()

    async def _look_for(self, kid: str) -> None:
        asked_at = monotonic()
        while kid not in self._public and self._seen_at <= asked_at:
            pause = self._look_begun_at + LOOKS_APART_SECONDS - monotonic()
            if pause <= 0:
                await self._look()
            elif self._look_begun_at > self._seen_at:  # a look is under way, and may show the key at any moment
                await asyncio.sleep(min(pause, GLANCE_SECONDS))
            else:
                await asyncio.sleep(pause)

    async def _look(self) -> None:
        begun_at = self._look_begun_at = monotonic()
        rows = await self._keys.all()
        if begun_at >= self._seen_at:  # of two looks at once, the later one has seen more
            self._seen_at, self._rows = begun_at, rows
            self._public = {row.kid: self._public.get(row.kid) or _public_half(row) for row in rows}

    def _newest(self) -> SigningKey | None:
        return next(filter(_may_sign, self._rows), None)


def new_key() -> SigningKey:
    """Return a new key, not stored yet."""
    private = Ed25519PrivateKey.generate()
    return SigningKey(
        kid=secrets.token_urlsafe(KID_BYTES),
        signs_at=timezone.now(),
        public_key=private.public_key().public_bytes_raw(),
        private_key_encrypted=encrypt(private.private_bytes_raw()),
    )


def _may_sign(key: SigningKey) -> bool:
    # This machine's clock will do: a key is published a minute longer than it must be before it signs.
    if key.signs_at > timezone.now():
        return False
    # A key from before SECRET_KEY was changed still verifies, and cannot sign.
    return decrypt(bytes(key.private_key_encrypted)) is not None


def _private_half(key: SigningKey) -> Ed25519PrivateKey:
    raw = decrypt(bytes(key.private_key_encrypted))
    if raw is None:
        raise ValueError("the signing key was encrypted under another SECRET_KEY")
    return Ed25519PrivateKey.from_private_bytes(raw)


def _public_half(key: SigningKey) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(bytes(key.public_key))


def _jwk(key: SigningKey) -> dict[str, str]:
    x = urlsafe_b64encode(bytes(key.public_key)).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.kid, "x": x}
