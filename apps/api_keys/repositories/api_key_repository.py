"""Reads and writes keys."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Least, Now

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.core.authorization.scopes import added_scopes
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.queries import fetch_one
from apps.core.database.transactions import run_in_transaction
from apps.core.errors import Conflict, NotFound

# Locks the owner's account and returns how many keys its plan allows, None for any number; raises NotFound.
LockKeyAllowance = Callable[[int], int | None]
# Raises ValidationFailed unless the account holds all that these scopes of a key of its would be.
RequireHeld = Callable[[int, Iterable[str]], None]
# Raises when the change may not be made to this key; called with the row locked.
Guard = Callable[[ApiKey], None]
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class NewSecret:
    """What is stored of a secret."""

    digest: bytes
    prefix: str


class ApiKeyRepository:
    """The keys' rows. Deleted keys are as good as absent here.

    Lock order: the owner's account before its keys, keys in order of id.
    """

    def __init__(
        self, record_audit: RecordAudit, lock_key_allowance: LockKeyAllowance, require_held: RequireHeld
    ) -> None:
        self._record_audit = record_audit
        self._lock_key_allowance = lock_key_allowance
        self._require_held = require_held

    async def find(self, key_id: int) -> ApiKey | None:
        """Return the key, or None."""
        return await _key.first(key_id)

    async def id_of_digest(self, digest: bytes) -> int | None:
        """Return the id of the key that has a secret of this digest, or None."""
        secret = await fetch_one(ApiKeySecret.objects.filter(digest=digest, api_key__deleted_at=None))
        return secret.api_key_id if secret else None

    async def page(self, user_id: int, *, offset: int, size: int) -> tuple[list[ApiKey], int]:
        """Return one page of the user's keys in order of id, and how many there are in all."""
        return await _keys_of.page(offset, size, user_id)

    async def create(self, user_id: int, fields: Mapping[str, Any], secret: NewSecret, audit: AuditEntry) -> ApiKey:
        """Insert a key; raises NotFound for the owner, Conflict when the plan allows no more.

        Raises ValidationFailed for scopes that the owner does not hold.
        """
        return await run_in_transaction(self._create, user_id, fields, secret, audit)

    async def update(self, key_id: int, changes: Mapping[str, Any], audit: AuditEntry, guard: Guard) -> ApiKey:
        """Change the key; raises NotFound, or what `guard` raises.

        Raises ValidationFailed for new scopes that the owner does not hold.
        """
        return await run_in_transaction(self._update, key_id, changes, audit, guard)

    async def revoke(self, key_id: int, reason: str, audit: AuditEntry) -> ApiKey:
        """Revoke the key for ever; a revoked one stays as it is. Raises NotFound."""
        return await run_in_transaction(self._revoke, key_id, reason, audit)

    async def rotate(self, key_id: int, secret: NewSecret, grace: timedelta, audit: AuditEntry, guard: Guard) -> ApiKey:
        """Give the key a new secret; earlier ones end with `grace` or sooner.

        Raises NotFound, Conflict if the key is revoked, or what `guard` raises.
        """
        return await run_in_transaction(self._rotate, key_id, secret, grace, audit, guard)

    async def delete(self, key_id: int, audit: AuditEntry) -> None:
        """Hide and stop the key; raises NotFound."""
        await run_in_transaction(self._update, key_id, {"deleted_at": Now()}, audit)

    def _create(self, user_id: int, fields: Mapping[str, Any], secret: NewSecret, audit: AuditEntry) -> ApiKey:
        allowed = self._lock_key_allowance(user_id)
        if allowed is not None and _existing().filter(user_id=user_id, revoked_at=None).count() >= allowed:
            raise Conflict(f"The plan allows {allowed} keys.", code="API_KEY_LIMIT_REACHED")
        self._require_held(user_id, fields["scopes"])
        key = ApiKey.objects.create(user_id=user_id, **fields)
        _add_secret(key, secret)
        self._record(audit, key, after={**fields, "user_id": user_id})
        return _existing().get(pk=key.pk)

    def _update(self, key_id: int, changes: Mapping[str, Any], audit: AuditEntry, guard: Guard | None = None) -> ApiKey:
        key = _lock(key_id)
        if guard:
            guard(key)
        self._require_held(key.user_id, added_scopes(key.scopes, changes.get("scopes", ())))
        before = {name: getattr(key, name) for name in changes}
        for name, value in changes.items():
            setattr(key, name, value)
        key.save(update_fields=[*changes, "updated_at"])
        key.refresh_from_db(fields=list(changes))
        after = {name: getattr(key, name) for name in changes}
        self._record(audit, key, before, after)
        return _as_shown(ApiKey.objects.all()).get(pk=key_id)

    def _revoke(self, key_id: int, reason: str, audit: AuditEntry) -> ApiKey:
        if _lock(key_id).revoked_at is not None:
            return _existing().get(pk=key_id)
        return self._update(key_id, {"revoked_at": Now(), "revoked_reason": reason}, audit)

    def _rotate(self, key_id: int, secret: NewSecret, grace: timedelta, audit: AuditEntry, guard: Guard) -> ApiKey:
        key = _lock(key_id)
        guard(key)
        if key.revoked_at is not None:
            raise Conflict("The key is revoked; make a new one.", code="API_KEY_REVOKED")
        end = Now() + grace
        key.secrets.update(expires_at=Least(Coalesce("expires_at", end), end))
        _add_secret(key, secret)
        self._record(audit, key, after={"grace_seconds": int(grace.total_seconds())})
        return _existing().get(pk=key_id)

    def _record(
        self, audit: AuditEntry, key: ApiKey, before: Mapping[str, Any] = NOTHING, after: Mapping[str, Any] = NOTHING
    ) -> None:
        # It concerns the key's owner, whoever does it: the owner sees it, and it is erased with the owner.
        entry = replace(audit, target_id=key.pk, subject_id=key.user_id, before=before, after=after)
        self._record_audit(entry)


@prepared
def _key(key_id: int) -> QuerySet[ApiKey]:
    return _existing().filter(pk=key_id)


@prepared
def _keys_of(user_id: int) -> QuerySet[ApiKey]:
    return _existing().filter(user_id=user_id).order_by("id")


def _lock(key_id: int) -> ApiKey:
    key = ApiKey.objects.select_for_update(of=("self",)).filter(pk=key_id, deleted_at=None).first()
    if key is None:
        raise NotFound
    return key


def _add_secret(key: ApiKey, secret: NewSecret) -> None:
    ApiKeySecret.objects.create(api_key=key, digest=secret.digest, prefix=secret.prefix)


def _existing() -> QuerySet[ApiKey]:
    return _as_shown(ApiKey.objects.filter(deleted_at=None))


def _as_shown(keys: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
    newest = ApiKeySecret.objects.filter(api_key=OuterRef("pk")).order_by("-id")
    return keys.annotate(
        prefix=Subquery(newest.values("prefix")[:1]),
        budget_spent=F("counter__budget_spent"),
        last_used_at=F("counter__last_used_at"),
    )
