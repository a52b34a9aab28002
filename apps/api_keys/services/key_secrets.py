"""Finds the secret that a client presents as an API key."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from apps.api_keys.repositories.key_secret_repository import KeySecretRepository
from apps.api_keys.services.key_format import digest_of, is_well_formed
from apps.core.errors import Conflict, NotFound

if TYPE_CHECKING:
    from apps.api_keys.models import ApiKeySecret

NAMED_MAXIMUM = 10  # keys in an error message


@dataclass(frozen=True, slots=True)
class KeySecret:
    """A secret of a key. `prefix` is its visible part; verification looks the key up by `digest`."""

    id: int
    key_id: int
    owner_id: int
    prefix: str
    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, row: "ApiKeySecret") -> Self:
        """Return the secret of a row with its key."""
        return cls(row.pk, row.api_key_id, row.api_key.user_id, row.prefix, bytes(row.digest))


class KeySecrets:
    """Finds secrets, expired or not. Verification decides whether one is valid."""

    def __init__(self, secrets: KeySecretRepository) -> None:
        self._secrets = secrets

    async def find(self, key: str) -> KeySecret | None:
        """Return the secret that is presented as `key`, or None."""
        row = await self._secrets.find(digest_of(key)) if is_well_formed(key) else None
        return KeySecret.of(row) if row else None

    async def newest(self, key_id: int) -> KeySecret:
        """Return the newest secret of the key; raises NotFound. For callers that have checked who may read the key."""
        row = await self._secrets.newest(key_id)
        if row is None:
            raise NotFound
        return KeySecret.of(row)

    async def key_id_of(self, secret: str) -> int:
        """Return the id of the key that has this secret, expired or not; raises NotFound."""
        found = await self.find(secret)
        if found is None:
            raise NotFound("No API key has this secret.")
        return found.key_id

    async def key_id_of_prefix(self, prefix: str) -> int:
        """Return the id of the key whose secret, expired or not, has this visible prefix.

        Raises NotFound, Conflict when several keys have it.
        """
        ids = await self._secrets.key_ids_with_prefix(prefix, NAMED_MAXIMUM)
        if not ids:
            raise NotFound("No API key has this prefix.")
        if len(ids) > 1:
            raise Conflict(f"Several API keys have this prefix: {', '.join(map(str, ids))}. Use the id of one.")
        return ids[0]

    async def find_by_id(self, secret_id: int) -> KeySecret | None:
        """Return the secret with this id, or None."""
        row = await self._secrets.find_by_id(secret_id)
        return KeySecret.of(row) if row else None
