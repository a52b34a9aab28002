"""What may be done with keys, and by whom."""

from datetime import timedelta
from functools import partial

from apps.api_keys.models import ApiKey
from apps.api_keys.repositories.api_key_repository import ApiKeyRepository, NewSecret
from apps.api_keys.schemas.api_key import ApiKeyCreate, ApiKeyOut, ApiKeyUpdate, ApiKeyWithSecret
from apps.api_keys.services import key_format
from apps.audit.domain.audit_entry import AuditEntry
from apps.core.authorization.principal import CredentialKind, Principal
from apps.core.authorization.scopes import added_scopes, missing_scopes, reserved_among, reserved_under
from apps.core.errors import ErrorDetail, InsufficientScopes, NotAllowed, NotFound
from apps.core.schemas.page import Page, PageQuery
from apps.users.services.user_service import UserService


class ApiKeyService:
    """Makes, finds, changes, rotates, revokes and deletes keys."""

    def __init__(self, keys: ApiKeyRepository, users: UserService) -> None:
        self._keys = keys
        self._users = users

    async def create(self, actor: Principal, user_id: int, new: ApiKeyCreate) -> ApiKeyWithSecret:
        """Make a key for the user and return it with its secret, this once.

        Raises NotAllowed, InsufficientScopes, NotFound for the user, Conflict when the plan allows no more keys, and
        ValidationFailed for scopes that the user does not hold.
        """
        await self._users.require_changeable(actor, user_id)
        _require_may_grant(actor, new.scopes)
        if new.rate_limits:
            _require_may_limit(actor)
        secret = key_format.generate_key(new.environment)
        audit = AuditEntry(actor, "api_key.created", "api_key")
        key = await self._keys.create(user_id, new.model_dump(), _stored(secret), audit)
        return ApiKeyWithSecret.of(key, await self._held_by_owner(key), api_key=secret)

    async def get(self, actor: Principal, key_id: int) -> ApiKeyOut:
        """Return the key; raises NotFound, or NotAllowed for someone else's."""
        key = await self._existing(key_id)
        actor.require_reading(key.user_id)
        return await self._shown(key)

    async def id_of_secret(self, secret: str) -> int:
        """Return the id of the key that has this secret, ended or not; raises NotFound."""
        key_id = await self._keys.id_of_digest(key_format.digest_of(secret))
        if key_id is None:
            raise NotFound("There is no such key.")
        return key_id

    async def page(self, actor: Principal, user_id: int, query: PageQuery) -> Page[ApiKeyOut]:
        """Return one page of the user's keys; raises NotAllowed, or NotFound for the user."""
        if user_id != actor.user_id:
            await self._users.require(actor, user_id)
        rows, total = await self._keys.page(user_id, offset=query.offset, size=query.size)
        held = await self._held_by_owner(*rows)
        return Page[ApiKeyOut].of(rows, total, query, partial(ApiKeyOut.of, held=held))

    async def update(self, actor: Principal, key_id: int, update: ApiKeyUpdate) -> ApiKeyOut:
        """Change the key; raises NotFound, NotAllowed, InsufficientScopes, SecondFactorRequired.

        Raises ValidationFailed for new scopes that its owner does not hold.
        """
        await self._writable(actor, key_id)
        changes = update.model_dump(include=update.model_fields_set)
        if "rate_limits" in changes:
            _require_may_limit(actor)

        def guard(key: ApiKey) -> None:
            _require_no_less_than(actor, key)
            _require_may_grant(actor, added_scopes(key.scopes, changes.get("scopes", ())))

        audit = AuditEntry(actor, "api_key.updated", "api_key")
        return await self._shown(await self._keys.update(key_id, changes, audit, guard))

    async def revoke(self, actor: Principal, key_id: int, reason: str = "") -> ApiKeyOut:
        """Revoke the key for ever; when this returns, every verification that begins says DISABLED."""
        await self._writable(actor, key_id)
        audit = AuditEntry(actor, "api_key.revoked", "api_key")
        return await self._shown(await self._keys.revoke(key_id, reason, audit))

    async def rotate(self, actor: Principal, key_id: int, grace_seconds: int = 0) -> ApiKeyWithSecret:
        """Give the key a new secret and return it, this once; the old one works until the grace ends.

        Raises NotFound, NotAllowed, InsufficientScopes, SecondFactorRequired, Conflict when the key is revoked.
        """
        key = await self._writable(actor, key_id)
        secret = key_format.generate_key(key.environment)
        audit = AuditEntry(actor, "api_key.rotated", "api_key")
        grace, guard = timedelta(seconds=grace_seconds), partial(_require_no_less_than, actor)
        rotated = await self._keys.rotate(key_id, _stored(secret), grace, audit, guard)
        return ApiKeyWithSecret.of(rotated, await self._held_by_owner(rotated), api_key=secret)

    async def delete(self, actor: Principal, key_id: int) -> None:
        """Delete the key: it stops at once and is not found again; its history stays."""
        await self._writable(actor, key_id)
        await self._keys.delete(key_id, AuditEntry(actor, "api_key.deleted", "api_key"))

    async def _shown(self, key: ApiKey) -> ApiKeyOut:
        return ApiKeyOut.of(key, await self._held_by_owner(key))

    async def _held_by_owner(self, *keys: ApiKey) -> frozenset[str]:
        """Return what the one owner of the keys holds, if it matters to any of them."""
        if any(reserved_among(key.scopes) for key in keys):
            return await self._users.held_scopes(keys[0].user_id)
        return frozenset()

    async def _existing(self, key_id: int) -> ApiKey:
        key = await self._keys.find(key_id)
        if key is None:
            raise NotFound
        return key

    async def _writable(self, actor: Principal, key_id: int) -> ApiKey:
        key = await self._existing(key_id)
        await self._users.require_changeable(actor, key.user_id)
        return key


def _stored(secret: str) -> NewSecret:
    return NewSecret(digest=key_format.digest_of(secret), prefix=key_format.visible_prefix(secret))


def _require_no_less_than(actor: Principal, key: ApiKey) -> None:
    """Nobody gets hold of a key that may do more: not of its new secret, and not of what keeps it within bounds.

    That is a key, and a session of staff that lacks the second factor which their rights need.
    """
    if actor.lacks_second_factor:
        for scope in reserved_under(key.scopes):
            actor.require_scope(scope)
    if actor.kind is CredentialKind.API_KEY and not actor.acts_as_staff and missing_scopes(actor.scopes, key.scopes):
        raise InsufficientScopes("A key may not change one that has scopes it lacks.")


def _require_may_limit(actor: Principal) -> None:
    """A key's own windows may allow more than its plan does, so they are for staff to set."""
    if not actor.acts_as_staff:
        reason = "Only staff may set a key's own rate limits."
        raise NotAllowed(reason, details=[ErrorDetail("rate_limits", reason)])


def _require_may_grant(actor: Principal, scopes: list[str]) -> None:
    """A credential hands out no more than it has, and reserved scopes are for staff to hand out."""
    if actor.acts_as_staff:
        return
    if reserved := reserved_among(scopes):
        raise NotAllowed(
            "Only staff may grant a scope that Keyhouse itself acts on.",
            details=[ErrorDetail("scopes", f"{scope} is reserved.") for scope in reserved],
        )
    if actor.kind is CredentialKind.API_KEY and missing_scopes(actor.scopes, scopes):
        raise InsufficientScopes("A key may not grant a scope that it lacks.")
