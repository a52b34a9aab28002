"""API keys in memory, for the service under test."""

from collections.abc import Iterable, Sequence
from copy import copy
from datetime import timedelta
from decimal import Decimal
from typing import Any, override

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.api_keys.repositories.api_key_repository import NO_FILTERS, ApiKeyRepository, KeyFilters
from apps.api_keys.schemas.api_key import ApiKeyUpdate
from apps.api_keys.services.api_key_service import ApiKeyService
from apps.api_keys.services.in_transaction.key_notices import KeyChange
from apps.api_keys.services.in_transaction.key_revocation import KeyRevocation
from apps.api_keys.services.in_transaction.key_store import KeyStore
from apps.core.authorization.principal import Principal
from apps.core.database.open_transaction import require_transaction
from apps.core.errors import NotFound
from apps.idempotency.services.in_transaction.idempotent_responses import IdempotentResponses
from apps.users.services.user_service import UserService
from tests.support.fakes import LONG_AGO, FakeAccounts, FakeAudit, FakeUsers, unsaved_key

ME, OTHER, COLLEAGUE, SUPERUSER = 1, 2, 3, 4
MINE, THEIRS, COLLEAGUES, SUPERUSERS, MISSING = 11, 12, 13, 14, 404
WRITES = {
    "update": ["update"],
    "revoke": ["revoke"],
    "rotate": ["expire secrets", "insert secret"],
    "delete": ["delete"],
}
NEW_ID, CREATOR = 99, 8


class FakeKeys:
    """Keys and secrets in memory; `calls` are the writes, each inside a transaction and of a locked or new key."""

    kind = ApiKeyRepository().kind

    def __init__(self, *keys: ApiKey) -> None:
        self.keys = {key.pk: key for key in keys}
        self.creator = unsaved_key(CREATOR)  # the key of `key_of`, which no list shows
        self.secrets = FakeSecrets(self)
        self.calls: list[tuple[Any, ...]] = []
        self.locked: list[int] = []

    async def get(self, key_id: int) -> ApiKey:
        if key_id == CREATOR:
            return self.creator
        if key_id not in self.keys:
            raise NotFound
        return self.keys[key_id]

    async def page(self, user_id: int, **query: Any) -> tuple[list[ApiKey], int]:
        owned = [key for key in self.keys.values() if key.user_id == user_id]
        return owned, len(owned)

    async def search(self, user_id: int, filters: KeyFilters, **query: Any) -> tuple[list[ApiKey], int]:
        assert filters == NO_FILTERS
        return await self.page(user_id, **query)

    async def count_not_revoked(self, user_id: int) -> int:
        require_transaction("count")
        return len([key for key in self.keys.values() if (key.user_id, key.revoked_at) == (user_id, None)])

    async def lock(self, key_id: int) -> ApiKey:
        require_transaction("lock")
        self.locked.append(key_id)
        return await self.get(key_id)

    async def lock_budget_spent(self, key: ApiKey) -> Decimal:
        require_transaction("lock")
        spent: Decimal = vars(key)["budget_spent"]
        return spent

    async def lock_created_by(self, keys: Sequence[ApiKey]) -> list[ApiKey]:
        require_transaction("lock")
        creators = {key.pk for key in keys}
        created = [each for each in self.keys.values() if each.parent_id in creators and each.revoked_at is None]
        self.locked += [each.pk for each in created]
        return created

    async def insert(self, key: ApiKey) -> ApiKey:
        key.pk = NEW_ID
        self.locked.append(NEW_ID)
        self.note("insert", key, key.user_id)
        key.created_at = key.updated_at = LONG_AGO
        vars(key).update(prefix="", budget_spent=0, last_used_at=None, state="active")
        self.keys[NEW_ID] = key
        return key

    async def update(self, key: ApiKey, **changes: Any) -> ApiKey:
        self.note("update", key, changes)
        return self._changed(key, **changes)

    async def revoke(self, key: ApiKey, reason: str) -> ApiKey:
        self.note("revoke", key, reason)
        return self._changed(key, revoked_at=LONG_AGO, revoked_reason=reason)

    async def revoke_all(self, keys: Sequence[ApiKey], reason: str) -> list[ApiKey]:
        return [await self.revoke(key, reason) for key in keys]

    async def mark_deleted(self, key: ApiKey) -> ApiKey:
        self.note("delete", key)
        return self._changed(key, deleted_at=LONG_AGO)

    def note(self, call: str, key: ApiKey, *arguments: Any) -> None:
        require_transaction("write")
        assert key.pk in self.locked
        self.calls.append((call, key.pk, *arguments))

    def _changed(self, key: ApiKey, **changes: Any) -> ApiKey:
        changed = copy(key)
        vars(changed).update(changes)
        self.keys[key.pk] = changed
        return changed


class FakeSecrets:
    """The secrets' writes, noted among those of the keys."""

    def __init__(self, keys: FakeKeys) -> None:
        self._keys = keys

    async def find(self, digest: bytes) -> ApiKeySecret | None:
        return None

    async def insert(self, key: ApiKey, digest: bytes, prefix: str) -> None:
        self._keys.note("insert secret", key, digest, prefix)

    async def expire_all(self, key: ApiKey, grace: timedelta) -> None:
        self._keys.note("expire secrets", key, grace)


class FakeBalances:
    """Balances that can be locked."""

    async def lock(self, _user_id: int) -> Decimal:
        require_transaction("lock")
        return Decimal(0)


class FakeStore(KeyStore):
    """A store whose API keys are what they were when they authenticated."""

    @override
    async def current(self, actor: Principal) -> Principal:
        return actor


class FakeHeldScopes:
    """Accounts that hold all scopes; `required` are those that were asked for."""

    def __init__(self) -> None:
        self.required: list[list[str]] = []

    async def require_held(self, user_id: int, scopes: Iterable[str]) -> None:
        require_transaction("compare scopes")
        self.required.append(list(scopes))


class FakeNotices:
    """Notices to owners, noted by key."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, KeyChange, list[str]]] = []

    async def notify(
        self, actor: Any, key: ApiKey, change: KeyChange, loosened: Sequence[str] = (), message: str = ""
    ) -> None:
        require_transaction("enqueue")
        self.sent.append((key.pk, change, list(loosened)))


class FakeResponses(IdempotentResponses):
    """No stored responses; the unit tests send no idempotency keys."""

    def __init__(self) -> None:
        repository: Any = None
        super().__init__(repository)


def service_of(
    keys: FakeKeys, users: FakeUsers, audit: FakeAudit, held: Any = None, notices: Any = None
) -> ApiKeyService:
    """Return the service on these rows."""
    rows: Any = keys
    repository: Any = users
    trail: Any = audit
    noted: Any = notices or FakeNotices()
    held_scopes: Any = held or FakeHeldScopes()
    balances: Any = FakeBalances()
    return ApiKeyService(
        rows,
        UserService(repository),
        FakeAccounts(users),
        held_scopes,
        audit=trail,
        responses=FakeResponses(),
        revocation=KeyRevocation(rows, trail),
        store=FakeStore(rows, rows.secrets, balances, trail, noted),
    )


async def write(service: ApiKeyService, how: str, actor: Any, key_id: int) -> Any:
    """Make one of the WRITES."""
    act: Any = getattr(service, how)
    return await (act(actor, key_id, ApiKeyUpdate(name="new")) if how == "update" else act(actor, key_id))
