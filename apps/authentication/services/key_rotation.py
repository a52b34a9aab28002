"""Rotating the key that signs."""

from datetime import timedelta

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.authentication.repositories.signing_key_repository import SigningKeyRepository
from apps.authentication.schemas.signing_key import SigningKeyOut
from apps.authentication.services.key_ring import KEY_SET_SECONDS, new_key
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.values.lifetimes import ACCESS_TOKEN_SECONDS

# The last token is signed a moment after the change, and the clocks of those who verify differ by a little.
LEEWAY_SECONDS = 60
# A new key is published before it signs for as long as others may cache the key set, so that they all have it by then.
NOTICE_SECONDS = KEY_SET_SECONDS + LEEWAY_SECONDS
OVERLAP_SECONDS = ACCESS_TOKEN_SECONDS + LEEWAY_SECONDS


class KeyRotation:
    """Publishes a new key, lets it sign, and lets the old ones verify until their last token has expired."""

    def __init__(self, keys: SigningKeyRepository, audit: AuditTrail) -> None:
        self._keys = keys
        self._audit = audit

    async def rotate(self, actor: Principal, *, is_compromised: bool = False) -> SigningKeyOut:
        """Make the key that signs next; raises NotAllowed unless the actor is a superuser.

        Where no key signs, the new one signs at once. When the old keys are compromised, it does too, and within
        VIEW_SECONDS no worker accepts anything that they have signed.
        """
        actor.require_superuser()
        key = new_key()
        notice, overlap = (0, 0) if is_compromised else (NOTICE_SECONDS, OVERLAP_SECONDS)
        async with transaction():
            await self._keys.lock_ring()
            retired = await self._keys.retire_all(timedelta(seconds=notice + overlap))
            await self._keys.insert(key, timedelta(seconds=notice) if retired else timedelta())
            after = {"is_compromised": is_compromised, "kid": key.kid}
            await self._audit.record(AuditEntry(actor, "signing_key.rotated", "signing_key", key.pk, after=after))
        return SigningKeyOut(kid=key.kid, notice_seconds=notice, overlap_seconds=overlap)
