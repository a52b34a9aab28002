"""Stores keys and their secrets in the caller's transaction: each change with its audit event and notice."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from apps.api_keys.models import ApiKey
from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.api_keys.repositories.key_secret_repository import KeySecretRepository
from apps.api_keys.schemas.api_key import ApiKeyCreate
from apps.api_keys.services import key_format
from apps.api_keys.services.in_transaction.key_notices import KeyChange, KeyNotices
from apps.api_keys.services.key_rights import inherited, loosened_bounds
from apps.audit.domain.audit_entry import AuditEntry, values_of
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import Principal
from apps.core.authorization.scopes import effective_scopes, grants
from apps.core.errors import InvalidCredential
from apps.core.schemas.base import REASON
from apps.credits.services.in_transaction.balances import Balances

NOTHING: Mapping[str, Any] = {}


class KeyStore:
    """Inserts and changes keys of a locked account. The caller has checked the rights."""

    def __init__(
        self,
        keys: ApiKeyRepository,
        secrets: KeySecretRepository,
        balances: Balances,
        audit: AuditTrail,
        notices: KeyNotices,
    ) -> None:
        self._keys = keys
        self._balances = balances
        self._secrets = secrets
        self._audit = audit
        self._notices = notices

    async def current(self, actor: Principal) -> Principal:
        """Return the actor with what its API key grants now; raises InvalidCredential for one that has ended since.

        The key was authenticated before its account was locked: meanwhile, its owner may have rotated or narrowed it.
        """
        if actor.api_key_id is None:
            return actor
        secret = await self._secrets.find_valid(actor.secret_digest)
        if secret is None:
            raise InvalidCredential
        granted = effective_scopes(secret.api_key.scopes, actor.scopes)
        scopes = frozenset(scope for scope in actor.scopes if grants(granted, scope))
        return replace(actor, scopes=scopes, is_temporary=actor.is_temporary or secret.expires_at is not None)

    async def insert(
        self, actor: Principal, user_id: int, new: ApiKeyCreate, creator: ApiKey | None, *, notifies: bool = True
    ) -> tuple[ApiKey, str]:
        """Insert a key, within the bounds of the locked key that creates it, and return it with its secret.

        With `notifies`, its owner gets a message.
        """
        fields = new.model_dump(exclude={REASON}) if creator is None else await self._inherit(creator, new)
        inserted = await self._keys.insert(ApiKey(user_id=user_id, **fields))
        secret = await self._insert_secret(inserted)
        await self._record(actor, "created", inserted, after={**fields, "user_id": user_id})
        created = await self._keys.get(inserted.pk)
        if notifies:
            await self._notices.notify(actor, created, KeyChange.CREATED)
        return created, secret

    async def update(self, actor: Principal, key: ApiKey, changes: Mapping[str, Any]) -> ApiKey:
        """Change columns of a locked key, and return it."""
        changed = await self._keys.update(key, **changes)
        await self._record(actor, "updated", key, values_of(key, changes), values_of(changed, changes))
        if loosened := loosened_bounds(key, changes):
            await self._notices.notify(actor, changed, KeyChange.LOOSENED, loosened)
        return changed

    async def rotate(self, actor: Principal, key: ApiKey, grace_seconds: int, message: str = "") -> tuple[ApiKey, str]:
        """Give a locked key a new secret, and return both; the old secret expires after `grace_seconds`.

        `message` is what staff tell the owner.
        """
        await self._secrets.expire_all(key, timedelta(seconds=grace_seconds))
        secret = await self._insert_secret(key)
        await self._record(actor, "rotated", key, after={"grace_seconds": grace_seconds})
        rotated = await self._keys.get(key.pk)
        await self._notices.notify(actor, rotated, KeyChange.ROTATED, message=message)
        return rotated, secret

    async def _inherit(self, creator: ApiKey, new: ApiKeyCreate) -> dict[str, Any]:
        """Return the fields of a new key within the bounds of its creator, whose budget the new key's is taken from."""
        fields = {**new.model_dump(exclude={REASON}), "parent_id": creator.pk}
        if "environment" not in new.model_fields_set:
            fields["environment"] = creator.environment
        if creator.budget is None:
            return inherited(creator, fields, Decimal(0))
        await self._balances.lock(creator.user_id)
        within = inherited(creator, fields, await self._keys.lock_budget_spent(creator))
        await self._keys.update(creator, budget=creator.budget - within["budget"])
        return within

    async def _insert_secret(self, key: ApiKey) -> str:
        secret = key_format.generate_key(key.environment)
        await self._secrets.insert(key, key_format.digest_of(secret), key_format.visible_prefix(secret))
        return secret

    async def _record(
        self,
        actor: Principal,
        action: str,
        key: ApiKey,
        before: Mapping[str, Any] = NOTHING,
        after: Mapping[str, Any] = NOTHING,
    ) -> None:
        entry = AuditEntry(actor, f"api_key.{action}", "api_key", key.pk, before, after, subject_id=key.user_id)
        await self._audit.record(entry)
