"""API keys: creating, reading, changing, rotating, revoking and deleting them."""

from datetime import timedelta
from functools import partial

from apps.api_keys.models import ApiKey
from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.api_keys.repositories.key_secret_repository import KeySecretRepository
from apps.api_keys.schemas.api_key import ApiKeyCreate, ApiKeyOut, ApiKeyUpdate, ApiKeyWithSecret
from apps.api_keys.services import key_format
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import CredentialKind, Principal
from apps.core.authorization.scopes import added_scopes, missing_scopes, reserved_among, reserved_under
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict, ErrorDetail, InsufficientScopes, NotAllowed, NotFound
from apps.core.schemas.page import Page, PageQuery
from apps.users.services.in_transaction.accounts import Accounts, HeldScopes
from apps.users.services.owned_service import OwnedService
from apps.users.services.user_service import UserService


class ApiKeyLimitReached(Conflict):
    """The account has as many keys as its plan allows."""

    code, message = "API_KEY_LIMIT_REACHED", "The plan's maximum number of API keys is reached. Revoke one first."


class ApiKeyRevoked(Conflict):
    """A revoked key cannot be rotated."""

    code, message = "API_KEY_REVOKED", "The API key is revoked. Create a new one."


class ApiKeyService(OwnedService[ApiKey, ApiKeyOut]):
    """Manages API keys. A secret is returned once, when it is created, and stored as a digest only."""

    out = ApiKeyOut

    def __init__(
        self,
        keys: ApiKeyRepository,
        secrets: KeySecretRepository,
        users: UserService,
        accounts: Accounts,
        held_scopes: HeldScopes,
        audit: AuditTrail,
    ) -> None:
        super().__init__(keys, users, accounts, audit)
        self._keys = keys
        self._secrets = secrets
        self._held_scopes = held_scopes

    async def create(self, actor: Principal, user_id: int, new: ApiKeyCreate) -> ApiKeyWithSecret:
        """Create a key for the account and return it with its secret.

        Raises NotAllowed, InsufficientScopes, NotFound for the account, Conflict when its plan allows no more keys, and
        ValidationFailed for scopes that the account does not hold.
        """
        fields, secret = new.model_dump(), key_format.generate_key(new.environment)
        async with transaction():
            allowed = await self._lock_key_allowance(actor, user_id)
            _require_may_grant(actor, new.scopes)
            if new.rate_limits:
                _require_may_limit(actor)
            if allowed is not None and await self._keys.count_not_revoked(user_id) >= allowed:
                reached = f"The plan's maximum number of API keys, {allowed}, is reached. Revoke one first."
                raise ApiKeyLimitReached(reached)
            await self._held_scopes.require_held(user_id, new.scopes)
            inserted = await self._keys.insert(ApiKey(user_id=user_id, **fields))
            await self._insert_secret(inserted, secret)
            await self.record(actor, "created", inserted, after={**fields, "user_id": user_id})
            # Inside, so that no secret is lost to a failed read.
            return await self._with_secret(await self._keys.get(inserted.pk), secret)

    async def get(self, actor: Principal, key_id: int) -> ApiKeyOut:
        """Return the key; raises NotFound, NotAllowed for another account's."""
        return await self._shown(await self.read(actor, key_id))

    async def id_of_secret(self, secret: str) -> int:
        """Return the id of the key that has this secret, expired or not; raises NotFound."""
        found = await self._secrets.find(key_format.digest_of(secret))
        if found is None:
            raise NotFound("No API key has this secret.")
        return found.api_key_id

    async def page(self, actor: Principal, user_id: int, query: PageQuery) -> Page[ApiKeyOut]:
        """Return one page of the account's keys; raises NotAllowed, NotFound for the account."""
        rows, total = await self.read_page(actor, user_id, offset=query.offset, size=query.size)
        held = await self._held_by_owner(*rows)
        return Page[ApiKeyOut].of(rows, total, query, partial(ApiKeyOut.of, held=held))

    async def update(self, actor: Principal, key_id: int, update: ApiKeyUpdate) -> ApiKeyOut:
        """Change the key; raises NotFound, NotAllowed, InsufficientScopes, SecondFactorRequired.

        Raises ValidationFailed for new scopes that its owner does not hold.
        """
        changes = update.model_dump(include=update.model_fields_set)
        async with transaction():
            key = await self.lock(actor, key_id)
            if "rate_limits" in changes:
                _require_may_limit(actor)
            _require_no_fewer_scopes(actor, key)
            added = added_scopes(key.scopes, changes.get("scopes", ()))
            _require_may_grant(actor, added)
            await self._held_scopes.require_held(key.user_id, added)
            changed = await self._keys.update(key, **changes)
            await self.record_change(actor, "updated", key, changed, changes)
        return await self._shown(changed)

    async def revoke(self, actor: Principal, key_id: int, reason: str = "") -> ApiKeyOut:
        """Revoke the key permanently: verifications that begin once this returns have the verdict DISABLED.

        A revoked key stays as it is. Raises NotFound, NotAllowed, InsufficientScopes.
        """
        async with transaction():
            key = await self.lock(actor, key_id)
            if key.revoked_at is None:
                revoked = await self._keys.revoke(key, reason)
                await self.record_change(actor, "revoked", key, revoked, ["revoked_at", "revoked_reason"])
                key = revoked
        return await self._shown(key)

    async def rotate(self, actor: Principal, key_id: int, grace_seconds: int = 0) -> ApiKeyWithSecret:
        """Give the key a new secret and return it; the old one expires after `grace_seconds`.

        Raises NotFound, NotAllowed, InsufficientScopes, SecondFactorRequired, Conflict when the key is revoked.
        """
        async with transaction():
            key = await self.lock(actor, key_id)
            _require_no_fewer_scopes(actor, key)
            if key.revoked_at is not None:
                raise ApiKeyRevoked
            secret = key_format.generate_key(key.environment)
            await self._secrets.expire_all(key, timedelta(seconds=grace_seconds))
            await self._insert_secret(key, secret)
            await self.record(actor, "rotated", key, after={"grace_seconds": grace_seconds})
            return await self._with_secret(await self._keys.get(key_id), secret)

    async def delete(self, actor: Principal, key_id: int) -> None:
        """Delete the key: it stops working at once and is not found again, while its history stays.

        Raises NotFound, NotAllowed, InsufficientScopes.
        """
        async with transaction():
            key = await self.lock(actor, key_id)
            deleted = await self._keys.mark_deleted(key)
            await self.record_change(actor, "deleted", key, deleted, ["deleted_at"])

    async def _lock_key_allowance(self, actor: Principal, user_id: int) -> int | None:
        if user_id != actor.user_id:
            await self.lock_owner(actor, user_id)
        actor.require_writing(user_id, self.scope)
        return await self.accounts.lock_key_allowance(user_id)

    async def _insert_secret(self, key: ApiKey, secret: str) -> None:
        await self._secrets.insert(key, key_format.digest_of(secret), key_format.visible_prefix(secret))

    async def _shown(self, key: ApiKey) -> ApiKeyOut:
        return ApiKeyOut.of(key, await self._held_by_owner(key))

    async def _with_secret(self, key: ApiKey, secret: str) -> ApiKeyWithSecret:
        return ApiKeyWithSecret.of(key, await self._held_by_owner(key), api_key=secret)

    async def _held_by_owner(self, *keys: ApiKey) -> frozenset[str]:
        """Return the scopes that the owner of the keys holds. No query is run if none of the keys depends on them."""
        if any(reserved_among(key.scopes) for key in keys):
            return await self.users.held_scopes(keys[0].user_id)
        return frozenset()


def _require_no_fewer_scopes(actor: Principal, key: ApiKey) -> None:
    """Raise InsufficientScopes if the key has scopes that the actor lacks.

    The actor may be an API key, or a session of staff without the second factor that their rights need. A new
    secret, or a change of what limits the key, would give the actor those scopes.
    """
    if actor.lacks_second_factor:
        for scope in reserved_under(key.scopes):
            actor.require_scope(scope)
    if actor.kind is CredentialKind.API_KEY and not actor.acts_as_staff and missing_scopes(actor.scopes, key.scopes):
        raise InsufficientScopes("An API key cannot change a key that has scopes which it lacks itself.")


def _require_may_limit(actor: Principal) -> None:
    """Raise NotAllowed unless the actor is staff: the rate limits of a key may exceed those of the plan."""
    if not actor.acts_as_staff:
        reason = "Only staff can set the rate limits of an API key."
        raise NotAllowed(reason, details=[ErrorDetail("rate_limits", reason)])


def _require_may_grant(actor: Principal, scopes: list[str]) -> None:
    """Raise NotAllowed for reserved scopes, which only staff grant, InsufficientScopes where an API key lacks one."""
    if actor.acts_as_staff:
        return
    if reserved := reserved_among(scopes):
        raise NotAllowed(
            "Only staff can grant reserved scopes.",
            details=[ErrorDetail("scopes", f"{scope} is reserved.") for scope in reserved],
        )
    if actor.kind is CredentialKind.API_KEY and missing_scopes(actor.scopes, scopes):
        raise InsufficientScopes("An API key cannot grant a scope that it does not have.")
