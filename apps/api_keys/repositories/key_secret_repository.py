"""Reads the secrets of keys."""

from django.db.models import QuerySet

from apps.api_keys.models import ApiKeySecret
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.queries import fetch_one


class KeySecretRepository:
    """The secrets' rows; those of deleted keys are as good as absent here."""

    async def find(self, digest: bytes) -> ApiKeySecret | None:
        """Return the secret with this digest, ended or not, or None."""
        return await fetch_one(_existing().filter(digest=digest))

    async def find_by_id(self, secret_id: int) -> ApiKeySecret | None:
        """Return the secret, ended or not, or None."""
        return await _secret.first(secret_id)


@prepared
def _secret(secret_id: int) -> QuerySet[ApiKeySecret]:
    return _existing().filter(pk=secret_id)


def _existing() -> QuerySet[ApiKeySecret]:
    return ApiKeySecret.objects.select_related("api_key").filter(api_key__deleted_at=None)
