"""Changing the key that signs."""

from datetime import timedelta

from apps.audit.domain.audit_entry import AuditEntry
from apps.authentication.repositories.signing_key_repository import SigningKeyRepository
from apps.authentication.schemas.signing_key import SigningKeyOut
from apps.authentication.services.key_ring import KEY_SET_SECONDS, new_key
from apps.core.authorization.principal import Principal
from apps.core.values.lifetimes import ACCESS_TOKEN_SECONDS

# The last token is signed a moment after the change, and the clocks of those who verify differ by a little.
LEEWAY_SECONDS = 60
# A new key is published before it signs for as long as others may keep the key set, so that they all have it by then.
NOTICE_SECONDS = KEY_SET_SECONDS + LEEWAY_SECONDS
OVERLAP_SECONDS = ACCESS_TOKEN_SECONDS + LEEWAY_SECONDS


class KeyRotation:
    """Has a new key published, then sign, and the old ones verify until nothing good is signed with them."""

    def __init__(self, keys: SigningKeyRepository) -> None:
        self._keys = keys

    async def rotate(self, actor: Principal, *, is_compromised: bool = False) -> SigningKeyOut:
        """Make the key that signs next; raises NotAllowed unless the actor is a superuser.

        When the old ones are compromised, it signs at once, and within VIEW_SECONDS, on every worker, nothing that they
        have signed is believed any more.
        """
        actor.require_superuser()
        new = new_key()
        notice, overlap = (0, 0) if is_compromised else (NOTICE_SECONDS, OVERLAP_SECONDS)
        audit = AuditEntry(actor, "signing_key.rotated", "signing_key", after={"is_compromised": is_compromised})
        await self._keys.replace_all(new, timedelta(seconds=notice), timedelta(seconds=overlap), audit)
        return SigningKeyOut(kid=new.kid, notice_seconds=notice, overlap_seconds=overlap)
