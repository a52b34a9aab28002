"""Reads and writes the secrets of API keys."""

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce, Least, Now

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.queries import fetch_all, fetch_one
from apps.core.database.orm.writes import insert, update


class KeySecretRepository:
    """The secrets' rows; those of deleted keys are not found."""

    async def find(self, digest: bytes) -> ApiKeySecret | None:
        """Return the secret with this digest, expired or not, with its key, or None."""
        return await fetch_one(_existing().filter(digest=digest))

    async def find_valid(self, digest: bytes) -> ApiKeySecret | None:
        """Return the secret with this digest, with its key, or None if one of them has expired or cannot be used."""
        not_expired = Q(expires_at=None) | Q(expires_at__gt=Now())
        key_not_expired = Q(api_key__expires_at=None) | Q(api_key__expires_at__gt=Now())
        usable = _existing().filter(api_key__is_active=True, api_key__revoked_at=None)
        return await fetch_one(usable.filter(not_expired, key_not_expired, digest=digest))

    async def newest(self, key_id: int) -> ApiKeySecret | None:
        """Return the newest secret of the key, with the key, or None."""
        return await _newest_of.first(key_id)

    async def find_by_id(self, secret_id: int) -> ApiKeySecret | None:
        """Return the secret, expired or not, with its key, or None."""
        return await _secret.first(secret_id)

    async def key_ids_with_prefix(self, prefix: str, maximum: int) -> list[int]:
        """Return the ids of up to `maximum` keys that have a secret with this visible prefix, in order."""
        ids = ApiKeySecret.objects.filter(prefix=prefix).values("api_key")
        found = ApiKey.objects.filter(pk__in=ids, deleted_at=None).order_by("id")
        return [key.pk for key in await fetch_all(found[:maximum])]

    async def insert(self, key: ApiKey, digest: bytes, prefix: str) -> None:
        """Add a secret to a locked or new key."""
        await insert(ApiKeySecret(api_key=key, digest=digest, prefix=prefix))

    async def expire_all(self, key: ApiKey, grace: timedelta) -> None:
        """Set the secrets of a locked key to expire after `grace`; those that expire earlier stay as they are."""
        end = Now() + grace
        await update(ApiKeySecret.objects.filter(api_key=key), expires_at=Least(Coalesce("expires_at", end), end))


@prepared
def _secret(secret_id: int) -> QuerySet[ApiKeySecret]:
    return _existing().filter(pk=secret_id)


@prepared
def _newest_of(key_id: int) -> QuerySet[ApiKeySecret]:
    return _existing().filter(api_key_id=key_id).order_by("-id")


def _existing() -> QuerySet[ApiKeySecret]:
    return ApiKeySecret.objects.select_related("api_key").filter(api_key__deleted_at=None)
