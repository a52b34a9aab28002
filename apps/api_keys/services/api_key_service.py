"""API keys: creating, reading, changing, rotating, revoking and deleting them."""

from functools import partial
from typing import override

from apps.api_keys.models import ApiKey
from apps.api_keys.repositories.api_key_repository import ApiKeyRepository, KeyFilters
from apps.api_keys.schemas.api_key import (
    ApiKeyCreate,
    ApiKeyOut,
    ApiKeyQuery,
    ApiKeyRevoke,
    ApiKeyUpdate,
    ApiKeyWithSecret,
)
from apps.api_keys.services.in_transaction.key_revocation import KeyRevocation
from apps.api_keys.services.in_transaction.key_store import KeyStore
from apps.api_keys.services.key_rights import (
    require_lasting,
    require_may_grant,
    require_may_limit,
    require_may_rotate,
    require_no_fewer_scopes,
    require_no_looser,
    require_within,
)
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import KEYS_READ, KEYS_WRITE
from apps.core.authorization.principal import OPERATOR, CredentialKind, Principal
from apps.core.authorization.scopes import added_scopes, reserved_among
from apps.core.database.transaction import transaction
from apps.core.entity_tags import ANY_VERSION, Precondition
from apps.core.errors import Conflict
from apps.core.schemas.page import START, CursorPage, Page, PageQuery
from apps.idempotency.services.in_transaction.idempotent_responses import IdempotentRequest, IdempotentResponses
from apps.users.services.in_transaction.accounts import Accounts, HeldScopes
from apps.users.services.owned_service import OwnedService
from apps.users.services.user_service import UserService

REVOCATION = ApiKeyRevoke()


class ApiKeyLimitReached(Conflict):
    """The account has as many keys as its plan allows."""

    code, message = "API_KEY_LIMIT_REACHED", "The plan's maximum number of API keys is reached. Revoke one first."


class ApiKeyRevoked(Conflict):
    """A revoked key cannot be rotated."""

    code, message = "API_KEY_REVOKED", "The API key is revoked. Create a new one."


class ApiKeyService(OwnedService[ApiKey, ApiKeyOut]):
    """Manages API keys. A secret is returned once, when it is created, and stored as a digest only."""

    out = ApiKeyOut
    reads, writes = KEYS_READ, KEYS_WRITE

    def __init__(
        self,
        keys: ApiKeyRepository,
        users: UserService,
        accounts: Accounts,
        held_scopes: HeldScopes,
        *,
        audit: AuditTrail,
        responses: IdempotentResponses,
        store: KeyStore,
        revocation: KeyRevocation,
    ) -> None:
        super().__init__(keys, users, accounts, audit)
        self._keys = keys
        self._held_scopes = held_scopes
        self._responses = responses
        self._store = store
        self._revocation = revocation

    async def create(
        self, actor: Principal, user_id: int, new: ApiKeyCreate, idempotency_key: str | None = None
    ) -> ApiKeyWithSecret:
        """Create a key for the account and return it with its secret.

        A key that an API key creates inherits its bounds (`inherited`). Raises NotAllowed, also for a token,
        InsufficientScopes, StepUpRequired for declared scopes, NotFound for the account, Conflict when its plan allows
        no more keys, ValidationFailed for scopes that the account does not hold, and as `IdempotentResponses.find`.
        """
        request = IdempotentRequest.of(
            actor, idempotency_key, "create API key", user_id, new.model_dump(exclude_unset=True)
        )
        actor = actor.because(new.reason)
        async with transaction():
            first = await self._responses.find(request)
            allowed, creator = await self._admit(actor, user_id, new)
            if first is not None:
                return ApiKeyWithSecret.model_validate_json(first)
            await self._require_room(user_id, allowed)
            # Inside, so that no secret is lost to a failed read.
            created = await self._with_secret(*await self._store.insert(actor, user_id, new, creator))
            await self._responses.store(request, created.model_dump_json().encode())
            return created

    async def create_first(self, user_id: int, new: ApiKeyCreate) -> ApiKeyWithSecret:
        """Create the first key of a new installation, without a message about it: the same start prints its secret."""
        async with transaction():
            await self.accounts.lock(user_id)
            return await self._with_secret(*await self._store.insert(OPERATOR, user_id, new, None, notifies=False))

    async def get(self, actor: Principal, key_id: int) -> ApiKeyOut:
        """Return the key; raises NotFound, NotAllowed for another account's."""
        return await self.shown(await self.read(actor, key_id))

    async def page(self, actor: Principal, user_id: int, query: PageQuery) -> Page[ApiKeyOut]:
        """Return one page of all the account's keys; raises as `search` does."""
        return await self.search(actor, user_id, ApiKeyQuery(page=query.page, size=query.size))

    async def search(self, actor: Principal, user_id: int, query: ApiKeyQuery) -> Page[ApiKeyOut]:
        """Return one page of the account's keys that match; raises NotAllowed, NotFound for the account."""
        await self.users.require_readable(actor, user_id, self.reads, self.own_reads)
        rows, total = await self._keys.search(user_id, _filters(query), offset=query.offset, size=query.size)
        return Page[ApiKeyOut].of(rows, total, query, partial(ApiKeyOut.of, held=await self._held_by_owner(*rows)))

    async def after(self, actor: Principal, user_id: int, query: ApiKeyQuery) -> CursorPage[ApiKeyOut]:
        """Return the part of the account's keys that match at the cursor; raises as `search` does."""
        await self.users.require_readable(actor, user_id, self.reads, self.own_reads)
        rows = await self._keys.after(user_id, _filters(query), query.cursor or START, query.size + 1)
        return CursorPage[ApiKeyOut].of(rows, query, partial(ApiKeyOut.of, held=await self._held_by_owner(*rows)))

    async def update(
        self, actor: Principal, key_id: int, update: ApiKeyUpdate, if_match: Precondition = ANY_VERSION
    ) -> ApiKeyOut:
        """Change the key; raises NotFound, NotAllowed, InsufficientScopes, SecondFactorRequired, PreconditionFailed.

        For added scopes, raises as `create` does. An API key loosens no bound (`require_no_looser`).
        """
        changes, actor = update.model_dump(include=update.changed_fields), actor.because(update.reason)
        async with transaction():
            key = await self.lock(actor, key_id)
            actor = await self._current(actor, key.user_id)
            if "rate_limits" in changes:
                require_may_limit(actor, key.user_id)
            require_no_fewer_scopes(actor, key)
            if actor.kind is CredentialKind.API_KEY:
                require_no_looser(key, changes)
            added = added_scopes(key.scopes, changes.get("scopes", ()))
            require_may_grant(actor, key.user_id, added)
            await self._held_scopes.require_held(key.user_id, added)
            await self.require_version(key, if_match)
            changed = await self._store.update(actor, key, changes)
        return await self.shown(changed)

    async def revoke(self, actor: Principal, key_id: int, revocation: ApiKeyRevoke = REVOCATION) -> ApiKeyOut:
        """Revoke the key permanently: verifications that begin once this returns have the verdict DISABLED.

        The keys that it has created are revoked too, unless a session keeps them. A key that is revoked already stays
        as it is. Raises NotFound, NotAllowed, InsufficientScopes.
        """
        actor = actor.because(revocation.reason)
        async with transaction():
            key = await self._lock_to_stop(actor, key_id)
            if not revocation.keep_created_keys:
                await self._revocation.revoke_created(actor, key)
            elif actor.kind is CredentialKind.API_KEY:
                actor.require_session()
            if key.revoked_at is None:
                own_reason = revocation.reason if actor.user_id == key.user_id else ""
                key = await self._revocation.revoke(actor, key, revocation.message or own_reason)
        return await self.shown(key)

    async def rotate(
        self,
        actor: Principal,
        key_id: int,
        grace_seconds: int = 0,
        idempotency_key: str | None = None,
        *,
        message: str = "",
    ) -> ApiKeyWithSecret:
        """Give the key a new secret and return it; the old one expires after `grace_seconds`.

        The mail about it has the message of staff.
        Raises NotFound, NotAllowed, InsufficientScopes, SecondFactorRequired, StepUpRequired, Conflict when the key is
        revoked, and as `IdempotentResponses.find` does.
        """
        request = IdempotentRequest.of(actor, idempotency_key, "rotate API key", key_id, grace_seconds, message)
        async with transaction():
            first = await self._responses.find(request)
            key = await self.lock(actor, key_id)
            actor = await self._current(actor, key.user_id)
            require_may_rotate(actor, key)
            if actor.api_key_id not in {None, key_id}:
                require_within(await self._keys.get(actor.api_key_id), key)
            if first is not None:
                return ApiKeyWithSecret.model_validate_json(first)
            rotated = await self._rotate(actor, key, grace_seconds, message)
            await self._responses.store(request, rotated.model_dump_json().encode())
            return rotated

    async def delete(self, actor: Principal, key_id: int, if_match: Precondition = ANY_VERSION) -> None:
        """Delete the key: it stops working at once and is not found again, while its history stays.

        The keys that it has created are revoked. Raises NotFound, NotAllowed, InsufficientScopes, PreconditionFailed.
        """
        async with transaction():
            key = await self._lock_to_stop(actor, key_id)
            await self.require_version(key, if_match)
            await self._revocation.revoke_created(actor, key)
            deleted = await self._keys.mark_deleted(key)
            await self.record_change(actor, "deleted", key, deleted, ["deleted_at"])

    async def _admit(self, actor: Principal, user_id: int, new: ApiKeyCreate) -> tuple[int | None, ApiKey | None]:
        """Check the rights to create the key, or to get its secret again, and lock what they depend on.

        Returns how many keys the plan allows, None for any number, and the key that the actor uses, None for others.
        """
        allowed = await self._lock_key_allowance(actor, user_id)
        actor = await self._current(actor, user_id)
        creator = await self._lock_creator(actor)
        require_may_grant(actor, user_id, new.scopes)
        if new.rate_limits:
            require_may_limit(actor, user_id)
        await self._held_scopes.require_held(user_id, new.scopes)
        return allowed, creator

    async def _require_room(self, user_id: int, allowed: int | None) -> None:
        if allowed is not None and await self._keys.count_not_revoked(user_id) >= allowed:
            reached = f"The plan's maximum number of API keys, {allowed}, is reached. Revoke one first."
            raise ApiKeyLimitReached(reached)

    async def _rotate(self, actor: Principal, key: ApiKey, grace_seconds: int, message: str) -> ApiKeyWithSecret:
        if key.revoked_at is not None:
            raise ApiKeyRevoked
        return await self._with_secret(*await self._store.rotate(actor, key, grace_seconds, message))

    async def _lock_key_allowance(self, actor: Principal, user_id: int) -> int | None:
        actor.require_writing(user_id, self.writes, self.own_writes)
        if user_id != actor.user_id:
            await self.lock_owner(actor, user_id)
        return await self.accounts.lock_key_allowance(user_id)

    async def _current(self, actor: Principal, user_id: int) -> Principal:
        """Return the actor as it is now that its account is locked; raises InvalidCredential, InsufficientScopes."""
        current = await self._store.current(actor)
        current.require_writing(user_id, self.writes, self.own_writes)
        return current

    @override
    async def lock_owner(self, actor: Principal, user_id: int) -> None:
        """Lock the account, and that of the API key that the actor uses, in order of id; raises as `accounts` does."""
        own_id = user_id if actor.api_key_id is None else actor.owner_id
        if own_id < user_id:
            await self.accounts.lock(own_id)
        await super().lock_owner(actor, user_id)
        if own_id > user_id:
            await self.accounts.lock(own_id)

    async def _lock_to_stop(self, actor: Principal, key_id: int) -> ApiKey:
        """Lock the key, also of a deleted account: what it has created in other accounts can still be used."""
        owner_id = (await self._keys.get(key_id)).user_id
        await self.accounts.lock_even_deleted_for(actor, owner_id, self.writes, self.own_writes)
        return await self._keys.lock(key_id)

    async def _lock_creator(self, actor: Principal) -> ApiKey | None:
        """Lock the key that the actor uses, after its owner, and return it; None for a session or the operator."""
        if actor.api_key_id is None:
            return None
        require_lasting(actor)
        creator = await self._keys.lock(actor.api_key_id)
        if creator.revoked_at is not None:
            raise ApiKeyRevoked
        return creator

    @override
    async def shown(self, row: ApiKey) -> ApiKeyOut:
        return ApiKeyOut.of(row, await self._held_by_owner(row))

    async def _with_secret(self, key: ApiKey, secret: str) -> ApiKeyWithSecret:
        return ApiKeyWithSecret.of(key, await self._held_by_owner(key), api_key=secret)

    async def _held_by_owner(self, *keys: ApiKey) -> frozenset[str]:
        """Return the scopes that the owner of the keys holds. No query is run if none of the keys depends on them."""
        if any(reserved_among(key.scopes) for key in keys):
            return await self.users.held_scopes(keys[0].user_id)
        return frozenset()


def _filters(query: ApiKeyQuery) -> KeyFilters:
    return KeyFilters(query.state, query.name, query.prefix, query.metadata)
