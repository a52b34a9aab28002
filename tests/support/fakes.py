"""In-memory repositories for tests of services, and unsaved rows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from apps.api_keys.models import ApiKey
from apps.audit.domain.audit_entry import AuditEntry
from apps.core.database.open_transaction import require_transaction
from apps.core.errors import NotFound
from apps.plans.models import Plan
from apps.users.models import User
from apps.users.services.credentials import Credentials
from apps.users.services.in_transaction.accounts import Accounts

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def unsaved_user(user_id: int = 1, **fields: Any) -> User:
    """Return an account as a repository does, with its plan, its roles and their scopes."""
    plan = Plan(pk=1, name="free")
    defaults = {"email": f"user{user_id}@example.com", "username": f"user{user_id}", "password": "!"}
    moments = {"created_at": LONG_AGO, "updated_at": LONG_AGO}
    roles = {name: fields.pop(name, []) for name in ("role_names", "role_scopes")}
    user = User(pk=user_id, **{"plan": plan, **defaults, **moments, **fields})
    vars(user).update(roles)
    return user


def unsaved_key(key_id: int = 1, user_id: int = 1, **fields: Any) -> ApiKey:
    """Return a key as a repository does, with its annotations."""
    key = ApiKey(pk=key_id, user_id=user_id, name="key", created_at=LONG_AGO, updated_at=LONG_AGO, **fields)
    vars(key).update(prefix="sk_live_abcd", budget_spent=Decimal(0), last_used_at=None, state="active")
    return key


class FakeAudit:
    """Collects the audit entries that a service records. Requires an open transaction."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def record(self, entry: AuditEntry) -> None:
        require_transaction("record an audit event")
        self.entries.append(entry)

    async def record_all(self, entries: Sequence[AuditEntry]) -> None:
        for entry in entries:
            await self.record(entry)


class FakeAccounts(Accounts):
    """Locks accounts in memory, and collects their ids in `locked`. Requires an open transaction."""

    def __init__(self, users: "FakeUsers") -> None:
        repository: Any = self
        super().__init__(repository)
        self._users = users
        self.locked: list[int] = []

    async def lock(self, user_id: int) -> Credentials:
        require_transaction("lock an account")
        user = self._users.users.get(user_id)
        if user is None:
            raise NotFound
        self.locked.append(user_id)
        return Credentials.of(user)

    async def lock_even_deleted(self, user_id: int) -> Any:
        await self.lock(user_id)
        return self._users.users[user_id]

    async def role_scopes(self, user_id: int) -> list[str]:
        return await self._users.role_scopes(user_id)

    async def lock_key_allowance(self, user_id: int) -> int | None:
        await self.lock(user_id)
        return self._users.users[user_id].plan.api_keys_maximum


class FakeUsers:
    """Accounts in memory. Writes require an open transaction and a locked account, and are collected in `calls`.

    `holders_found` counts how often the scopes of an account were read.
    """

    def __init__(self, *users: User) -> None:
        self.users = {user.pk: user for user in users}
        self.calls: list[tuple[Any, ...]] = []
        self.locked: list[int] = []
        self.holders_found = 0

    async def get(self, user_id: int) -> User:
        if user_id not in self.users:
            raise NotFound
        return self.users[user_id]

    async def lock(self, user_id: int) -> User:
        require_transaction("lock an account")
        user = await self.get(user_id)
        self.locked.append(user_id)
        return user

    async def lock_with(self, user_id: int, other_id: int | None) -> tuple[User, User | None]:
        return await self.lock(user_id), None if other_id is None else self.users.get(other_id)

    async def find_with_role_scopes(self, user_id: int) -> User | None:
        self.holders_found += 1
        return self.users.get(user_id)

    async def role_scopes(self, user_id: int) -> list[str]:
        return list(vars(self.users[user_id])["role_scopes"])

    async def find_by_email(self, email: str) -> User | None:
        return next((user for user in self.users.values() if user.email.lower() == email.lower()), None)

    async def page(self, **query: Any) -> tuple[list[User], int]:
        self.calls.append(("page", query))
        return list(self.users.values()), len(self.users)

    async def default_plan_id(self) -> int:
        return 1

    async def insert(self, user: User, *, is_verified: bool) -> None:
        require_transaction("insert an account")
        fields = {name: getattr(user, name) for name in ("email", "username", "full_name", "plan_id", "password")}
        self.calls.append(("insert", fields, is_verified))
        user.pk = 99
        self.users[99] = unsaved_user(99, **{name: value for name, value in fields.items() if name != "plan_id"})

    async def insert_if_free(self, user: User, *, is_verified: bool) -> bool:
        await self.insert(user, is_verified=is_verified)
        return True

    async def update(self, user: User, columns: Any, *, ends_sessions: bool = False) -> None:
        assert user.pk in self.locked
        self.calls.append(("update", user.pk, dict(columns), ends_sessions))
