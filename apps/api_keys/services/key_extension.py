"""Extends the expiry of API keys."""

from datetime import UTC, datetime, timedelta

from apps.api_keys.models import ApiKey
from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.api_keys.schemas.api_key import ApiKeyExtend, ApiKeyOut
from apps.api_keys.services.api_key_service import ApiKeyRevoked, ApiKeyService
from apps.api_keys.services.in_transaction.key_store import KeyStore
from apps.api_keys.services.key_rights import require_no_fewer_scopes
from apps.core.authorization.catalogue import ACCOUNT_WRITE, KEYS_WRITE
from apps.core.authorization.principal import CredentialKind, Principal
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict, NotAllowed
from apps.idempotency.services.in_transaction.idempotent_responses import IdempotentRequest, IdempotentResponses
from apps.users.services.in_transaction.accounts import Accounts

DONE = b"{}"


class KeyExtension:
    """Lets keys be valid for longer, from the end that they have when their row is locked."""

    def __init__(
        self,
        rows: ApiKeyRepository,
        keys: ApiKeyService,
        accounts: Accounts,
        store: KeyStore,
        responses: IdempotentResponses,
    ) -> None:
        self._rows = rows
        self._keys = keys
        self._accounts = accounts
        self._store = store
        self._responses = responses

    async def extend(
        self, actor: Principal, key_id: int, extension: ApiKeyExtend, idempotency_key: str | None = None
    ) -> ApiKeyOut:
        """Extend the key by days, from its end or, if it has expired, from now, and return it.

        A retry with the same idempotency key changes nothing. Raises NotFound, NotAllowed, also for an API key,
        InsufficientScopes, SecondFactorRequired, Conflict for a key that is revoked, never expires, or would expire
        after the year 9999, and as `IdempotentResponses.find` does.
        """
        if actor.kind is CredentialKind.API_KEY:
            raise NotAllowed("An API key cannot extend a key. Sign in to do this.")
        request = IdempotentRequest.of(actor, idempotency_key, "extend API key", key_id, extension.days)
        async with transaction():
            first = await self._responses.find(request)
            key = await self._lock(actor, key_id)
            if first is None:
                key = await self._store.update(actor, key, {"expires_at": _extended(key, extension.days)})
                await self._responses.store(request, DONE)
        return await self._keys.shown(key)

    async def _lock(self, actor: Principal, key_id: int) -> ApiKey:
        """Lock the key, after its owner's account."""
        owner_id = (await self._rows.get(key_id)).user_id
        await self._accounts.lock_for(actor, owner_id, KEYS_WRITE, ACCOUNT_WRITE)
        key = await self._rows.lock(key_id)
        require_no_fewer_scopes(actor, key)
        return key


def _extended(key: ApiKey, days: int) -> datetime:
    if key.revoked_at is not None:
        raise ApiKeyRevoked
    if key.expires_at is None:
        raise Conflict("The API key never expires.")
    try:
        return max(datetime.now(UTC), key.expires_at) + timedelta(days=days)
    except OverflowError as error:
        raise Conflict("The new end is too late. Remove the expiry instead.") from error
