"""Reads and writes API keys."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, override

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import Now

from apps.api_keys.models import ApiKey, ApiKeyCounter, ApiKeySecret, key_state
from apps.core.database.orm.entity_repository import OwnedRepository, existing
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.queries import count, fetch_after, fetch_all, fetch_one, lock_all, lock_one
from apps.core.database.orm.writes import insert, update
from apps.core.schemas.fields import BIGINT_MAXIMUM
from apps.core.schemas.page import PAGE_SIZE_MAXIMUM

ERASED = {"name": "erased", "description": "", "metadata": {}, "ip_allowlist": [], "revoked_reason": ""}


class KeyFilters(NamedTuple):
    """What keys must match: their state, a part of the name, the beginning of a prefix, a part of the metadata."""

    state: str | None = None
    name: str | None = None
    prefix: str | None = None
    metadata: Mapping[str, Any] | None = None


NO_FILTERS = KeyFilters()


class ApiKeyRepository(OwnedRepository[ApiKey]):
    """The keys' rows; deleted keys are not found. Lock the owner's account before a key."""

    model = ApiKey

    @override
    def rows(self) -> QuerySet[ApiKey]:
        """Return the keys with their state, their counters, and the visible prefix of their newest secret."""
        newest = ApiKeySecret.objects.filter(api_key=OuterRef("pk")).order_by("-id")
        return ApiKey.objects.filter(deleted_at=None).annotate(
            prefix=Subquery(newest.values("prefix")[:1]),
            budget_spent=F("counter__budget_spent"),
            last_used_at=F("counter__last_used_at"),
            state=key_state(),
        )

    @override
    async def insert(self, row: ApiKey) -> ApiKey:
        """Insert a key and return it as it is stored. `get` returns it with its annotations once it has a secret."""
        return await insert(row)

    async def search(self, user_id: int, filters: KeyFilters, *, offset: int, size: int) -> tuple[list[ApiKey], int]:
        """Return one page of the account's keys that match, in order of id, and how many there are."""
        if filters == NO_FILTERS:
            return await self.page(user_id, offset=offset, size=size)
        found = self._matching(user_id, filters).order_by("id")
        return await fetch_all(found[offset : offset + size]), await count(found)

    async def after(self, user_id: int, filters: KeyFilters, position: int, maximum: int) -> list[ApiKey]:
        """Return up to `maximum` of the account's keys that match and follow a position, in order of id."""
        return await fetch_after(self._matching(user_id, filters), position, maximum)

    async def before(self, user_id: int, position: int, maximum: int) -> list[ApiKey]:
        """Return up to `maximum` of the account's keys that follow a position, newest first."""
        return await fetch_after(self.rows().filter(user_id=user_id), position, maximum, newest_first=True)

    async def ids(self, user_id: int) -> list[int]:
        """Return the ids of the account's keys, deleted ones too."""
        return [key.pk for key in await fetch_all(ApiKey.objects.filter(user_id=user_id).only("pk").order_by("pk"))]

    async def newest_with_totals(self, user_id: int, maximum: int) -> list[ApiKey]:
        """Return the account's newest keys, each with the number of all and the last use of one of all.

        These are `keys_total` and `keys_last_used_at`.
        """
        found = self.rows().filter(user_id=user_id).order_by("-id")
        totals = {"keys_total": Window(Count("*")), "keys_last_used_at": Window(Max("counter__last_used_at"))}
        return await fetch_all(found.annotate(**totals)[:maximum])

    def _matching(self, user_id: int, filters: KeyFilters) -> QuerySet[Any]:
        found: QuerySet[Any] = self.rows().filter(user_id=user_id)
        if filters.state is not None:
            found = found.filter(state=filters.state)
        if filters.name is not None:
            found = found.filter(name__icontains=filters.name)
        if filters.prefix is not None:
            secrets = ApiKeySecret.objects.filter(api_key=OuterRef("pk"), prefix__startswith=filters.prefix)
            found = found.filter(Exists(secrets))
        return found if filters.metadata is None else found.filter(metadata__contains=filters.metadata)

    async def count_not_revoked(self, user_id: int) -> int:
        """Return how many keys of the account are not revoked."""
        return await _not_revoked.count(user_id)

    async def lock_budget_spent(self, key: ApiKey) -> Decimal:
        """Lock the counters of a locked key and return what it has spent, which no call changes until the end.

        The balance of the key's owner is locked, as it is by every transaction that writes counters.
        """
        counter = await lock_one(ApiKeyCounter.objects.filter(pk=key.pk))
        return existing(counter).budget_spent

    async def live(self, user_id: int, newest_id: int = BIGINT_MAXIMUM) -> tuple[list[ApiKey], int]:
        """Return the newest of the account's keys that can be used, up to a hundred, and their total number.

        Keys that are switched off are included, because the account can switch them on. `newest_id` is the last one.
        """
        found = self.rows().filter(user_id=user_id, pk__lte=newest_id, revoked_at=None)
        found = found.filter(Q(expires_at=None) | Q(expires_at__gt=Now())).order_by("-pk")
        return await fetch_all(found[:PAGE_SIZE_MAXIMUM]), await count(found)

    async def lock_unrevoked(self, user_id: int, newest_id: int = BIGINT_MAXIMUM) -> list[ApiKey]:
        """Lock and return the keys of the account that are not revoked, up to `newest_id`."""
        return await lock_all(
            ApiKey.objects.filter(user_id=user_id, pk__lte=newest_id, revoked_at=None, deleted_at=None)
        )

    async def lock_created_by(self, keys: Sequence[ApiKey]) -> list[ApiKey]:
        """Lock the keys that locked keys have created, and those that they have; return those that are not revoked.

        A key that creates one is locked meanwhile, so none is added below a key that is locked here.
        """
        found: list[ApiKey] = []
        level = [key.pk for key in keys]
        while level:
            created = await lock_all(ApiKey.objects.filter(parent__in=level).order_by("id"))
            found += created
            level = [each.pk for each in created]
        return [each for each in found if each.revoked_at is None and each.deleted_at is None]

    async def revoke(self, key: ApiKey, reason: str) -> ApiKey:
        """Revoke a locked key and return it as `get` does."""
        return await self.update(key, revoked_at=Now(), revoked_reason=reason)

    async def revoke_all(self, keys: Sequence[ApiKey], reason: str) -> list[ApiKey]:
        """Revoke locked keys, which are not revoked, and return them as they are stored, in order of id."""
        revoked = ApiKey.objects.filter(pk__in=[key.pk for key in keys]).order_by("pk")
        await update(revoked, revoked_at=Now(), revoked_reason=reason)
        return await fetch_all(revoked)

    async def mark_deleted(self, key: ApiKey) -> ApiKey:
        """Mark a locked key as deleted and return it as it is stored."""
        await update(ApiKey.objects.filter(pk=key.pk), deleted_at=Now())
        return existing(await fetch_one(ApiKey.objects.filter(pk=key.pk)))

    async def erase_texts(self, user_id: int) -> None:
        """Blank names, descriptions, metadata and addresses of the account's keys, deleted ones too."""
        await update(ApiKey.objects.filter(user_id=user_id), **ERASED)


@prepared
def _not_revoked(user_id: int) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(user_id=user_id, deleted_at=None, revoked_at=None)
