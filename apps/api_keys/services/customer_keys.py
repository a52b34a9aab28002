"""The keys of a customer at a glance, for staff."""

from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.api_keys.schemas.key_overview import CustomerKeysOut, KeyOverview
from apps.core.authorization.catalogue import KEYS_READ
from apps.core.authorization.principal import Principal
from apps.core.schemas.page import START, CursorPage, CursorQuery

NEWEST = 100


class CustomerKeys:
    """Reads the keys of an account, deleted or not, for callers that have read the account."""

    def __init__(self, keys: ApiKeyRepository) -> None:
        self._keys = keys

    async def newest(self, actor: Principal, user_id: int) -> CustomerKeysOut:
        """Return the newest keys, up to NEWEST, and what is known of all; raises NotAllowed, InsufficientScopes."""
        actor.require_scope(KEYS_READ)
        return CustomerKeysOut.of(await self._keys.newest_with_totals(user_id, NEWEST))

    async def part(self, actor: Principal, user_id: int, query: CursorQuery) -> CursorPage[KeyOverview]:
        """Return the part at the cursor, newest first; raises NotAllowed, InsufficientScopes."""
        actor.require_scope(KEYS_READ)
        rows = await self._keys.before(user_id, query.cursor or START, query.size + 1)
        return CursorPage[KeyOverview].of(rows, query, KeyOverview.of)

    async def ids(self, user_id: int) -> list[int]:
        """Return the ids of all keys, deleted ones too, for callers that have checked who may read them."""
        return await self._keys.ids(user_id)
