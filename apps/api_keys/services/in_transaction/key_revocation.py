"""Revokes keys in the caller's transaction, with their audit events."""

from apps.api_keys.models import ApiKey
from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.audit.domain.audit_entry import AuditEntry, values_of
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import Principal
from apps.core.schemas.fields import BIGINT_MAXIMUM

REVOKED_WITH_CREATOR = "The key that created it was revoked."
FIELDS = ("revoked_at", "revoked_reason")


class KeyRevocation:
    """Revokes locked keys, and what they have created."""

    def __init__(self, keys: ApiKeyRepository, audit: AuditTrail) -> None:
        self._keys = keys
        self._audit = audit

    async def revoke(self, actor: Principal, key: ApiKey, reason: str) -> ApiKey:
        """Revoke a locked key that is not revoked, and return it."""
        revoked = await self._keys.revoke(key, reason)
        await self._audit.record(_entry(actor, key, revoked))
        return revoked

    async def revoke_created(self, actor: Principal, *creators: ApiKey) -> None:
        """Revoke the keys that locked keys have created, and those that they have."""
        await self._revoke_all(actor, await self._keys.lock_created_by(creators), REVOKED_WITH_CREATOR)

    async def revoke_of_account(
        self, actor: Principal, user_id: int, reason: str, *, newest_id: int = BIGINT_MAXIMUM
    ) -> int:
        """Revoke every key of a locked account, up to `newest_id`, and what they have created; return their number.

        The number is that of the account's own keys.
        """
        keys = await self._keys.lock_unrevoked(user_id, newest_id)
        await self._revoke_all(actor, keys, reason)
        await self.revoke_created(actor, *keys)
        return len(keys)

    async def _revoke_all(self, actor: Principal, keys: list[ApiKey], reason: str) -> None:
        before = {key.pk: key for key in keys}
        revoked = await self._keys.revoke_all(keys, reason)
        await self._audit.record_all([_entry(actor, before[key.pk], key) for key in revoked])


def _entry(actor: Principal, key: ApiKey, revoked: ApiKey) -> AuditEntry:
    before, after = values_of(key, FIELDS), values_of(revoked, FIELDS)
    return AuditEntry(actor, "api_key.revoked", "api_key", key.pk, before, after, subject_id=key.user_id)
