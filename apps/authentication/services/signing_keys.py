"""The keys that sign and verify access tokens. Keys of several algorithms can be in use at once."""

import asyncio
import re
import secrets
from datetime import timedelta
from math import inf
from time import monotonic
from typing import Any

from django.utils import timezone

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.authentication.models import SigningKey
from apps.authentication.repositories.signing_key_repository import SigningKeyRepository
from apps.authentication.schemas.signing_key import SigningKeyOut
from apps.core.authorization.catalogue import SYSTEM_WRITE
from apps.core.authorization.principal import Principal
from apps.core.crypto import encryption
from apps.core.crypto.passwords import run_in_hashing_thread
from apps.core.crypto.signing_algorithms import (
    PrivateKey,
    PublicKey,
    SigningAlgorithm,
    algorithm_of,
    json_web_key,
    load_private,
    load_public,
    new_private_key,
    private_bytes,
    public_bytes,
)
from apps.core.database.transaction import transaction
from apps.core.errors import Unavailable
from apps.core.values.api_contract import ACCESS_TOKEN_SECONDS

KID_BYTES = 16
KID = re.compile(r"[A-Za-z0-9_-]{22}")  # token_urlsafe(KID_BYTES)
KEY_SET_SECONDS = 300  # for how long others may cache the published key set
CACHE_SECONDS = 5.0
READ_INTERVAL_SECONDS = 0.5
POLL_SECONDS = 0.01
# Part of the encryption key of the stored private halves: another text makes them unreadable.
ENCRYPTION_PURPOSE = "keyhouse signing keys"


class KeyRing:
    """A cached copy of the signing keys in the database.

    Signing reads the keys each time. Verifying uses the last read for CACHE_SECONDS. For an unknown key id the keys
    are read again, but such reads begin at least READ_INTERVAL_SECONDS apart, and callers in between wait for the next.
    So requests with invented ids do not cost a query each, and a token of a new key is never refused. `algorithm` is
    that of the first key; later ones are made by KeyRotation.
    """

    def __init__(self, keys: SigningKeyRepository, algorithm: SigningAlgorithm = SigningAlgorithm.EDDSA) -> None:
        self._keys = keys
        self._algorithm = algorithm
        self._rows: list[SigningKey] = []
        self._public: dict[str, PublicKey] = {}
        self._read_begun_at = self._read_at = -inf  # when the last read began, and the last one that has returned

    async def signing_key(self) -> tuple[str, PrivateKey]:
        """Return the id and the private half of the newest key that signs; create the first key if there is none."""
        await self._read()
        newest = self._newest()
        if newest is None:
            await self._add_first_key()
            await self._read()
            newest = self._newest()
        if newest is None:
            raise Unavailable("The signing keys are being changed. Retry shortly.")
        return newest.kid, _private_half(newest)

    async def public_key(self, kid: str) -> PublicKey | None:
        """Return the public half of the key with this id, or None when there is none or it has retired."""
        if kid in self._public:
            await self._renew_cache()
        elif KID.fullmatch(kid):
            await self._look_for(kid)
        return self._public.get(kid)

    async def jwks(self) -> dict[str, Any]:
        """Return every public key that has not retired as a JSON Web Key Set (RFC 7517)."""
        await self.signing_key()
        return {"keys": [_jwk(key) for key in self._rows]}

    async def _add_first_key(self) -> None:
        key = await new_key(self._algorithm)
        async with transaction():
            await self._keys.lock_ring()
            if not any(map(_may_sign, await self._keys.all())):  # else another process has added one
                await self._keys.insert(key, notice=timedelta())

    async def _renew_cache(self) -> None:
        now = monotonic()
        # One caller reads; the others use the cached keys, which are older by one read at most.
        if now - self._read_at > CACHE_SECONDS and now - self._read_begun_at > READ_INTERVAL_SECONDS:
            await self._read()

    async def _look_for(self, kid: str) -> None:
        begun_at = monotonic()
        while kid not in self._public and self._read_at <= begun_at:
            pause = self._read_begun_at + READ_INTERVAL_SECONDS - monotonic()
            if pause <= 0:
                await self._read()
            elif self._read_begun_at > self._read_at:  # a read is in progress, and may return the key at any time
                await asyncio.sleep(min(pause, POLL_SECONDS))
            else:
                await asyncio.sleep(pause)

    async def _read(self) -> None:
        begun_at = self._read_begun_at = monotonic()
        rows = await self._keys.all()
        if begun_at >= self._read_at:  # of two concurrent reads the later one is newer
            self._read_at, self._rows = begun_at, rows
            self._public = {row.kid: self._public.get(row.kid) or _public_half(row) for row in rows}

    def _newest(self) -> SigningKey | None:
        return next(filter(_may_sign, self._rows), None)


async def new_key(algorithm: SigningAlgorithm) -> SigningKey:
    """Return a new key, not stored yet, that signs immediately."""
    private = await run_in_hashing_thread(new_private_key, algorithm)
    return SigningKey(
        kid=secrets.token_urlsafe(KID_BYTES),
        signs_at=timezone.now(),
        public_key=public_bytes(private.public_key()),
        private_key_encrypted=encrypt(private_bytes(private)),
    )


def encrypt(secret: bytes) -> bytes:
    """Encrypt and authenticate a private half."""
    return encryption.encrypt(secret, ENCRYPTION_PURPOSE)


def decrypt(encrypted: bytes) -> bytes | None:
    """Return a private half, or None when it was encrypted under another SECRET_KEY or tampered with."""
    return encryption.decrypt(encrypted, ENCRYPTION_PURPOSE)


def _may_sign(key: SigningKey) -> bool:
    # This machine's clock is exact enough: a key is published a minute longer than necessary before it signs.
    if key.signs_at > timezone.now():
        return False
    # A key from before SECRET_KEY was changed still verifies, and cannot sign.
    return decrypt(bytes(key.private_key_encrypted)) is not None


def _private_half(key: SigningKey) -> PrivateKey:
    raw = decrypt(bytes(key.private_key_encrypted))
    if raw is None:
        raise ValueError("the signing key was encrypted under another SECRET_KEY")
    return load_private(raw)


def _public_half(key: SigningKey) -> PublicKey:
    return load_public(bytes(key.public_key))


def _jwk(key: SigningKey) -> dict[str, Any]:
    public = _public_half(key)
    return {**json_web_key(public).as_dict(private=False), "use": "sig", "alg": algorithm_of(public), "kid": key.kid}


# The last token is signed shortly after the change, and the clocks of verifying services differ slightly.
LEEWAY_SECONDS = 60
# A new key is published before it signs for as long as clients may cache the key set, so that all of them have it.
NOTICE_SECONDS = KEY_SET_SECONDS + LEEWAY_SECONDS
OVERLAP_SECONDS = ACCESS_TOKEN_SECONDS + LEEWAY_SECONDS


class KeyRotation:
    """Publishes a new key of `algorithm`, then signs with it. The old keys, of whichever algorithms, verify until their
    last token has expired.
    """

    def __init__(
        self,
        keys: SigningKeyRepository,
        audit: AuditTrail,
        algorithm: SigningAlgorithm = SigningAlgorithm.EDDSA,
    ) -> None:
        self._keys = keys
        self._audit = audit
        self._algorithm = algorithm

    async def rotate(self, actor: Principal, *, is_compromised: bool = False) -> SigningKeyOut:
        """Make the key that signs next; raises NotAllowed, InsufficientScopes.

        If no key signs, or the old keys are compromised, the new key signs immediately. In the latter case no worker
        accepts a token of the old keys after CACHE_SECONDS.
        """
        actor.require_scope(SYSTEM_WRITE)
        key = await new_key(self._algorithm)
        notice, overlap = (0, 0) if is_compromised else (NOTICE_SECONDS, OVERLAP_SECONDS)
        async with transaction():
            await self._keys.lock_ring()
            retired = await self._keys.retire_all(timedelta(seconds=notice + overlap))
            await self._keys.insert(key, timedelta(seconds=notice) if retired else timedelta())
            after = {"is_compromised": is_compromised, "kid": key.kid, "algorithm": self._algorithm}
            await self._audit.record(AuditEntry(actor, "signing_key.rotated", "signing_key", key.pk, after=after))
        return SigningKeyOut(kid=key.kid, algorithm=self._algorithm, notice_seconds=notice, overlap_seconds=overlap)
