"""Creates accounts."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import ANONYMOUS, Principal
from apps.core.errors import Conflict
from apps.users.models import User
from apps.users.repositories.user_repository import EMAIL_TAKEN, UserRepository
from apps.users.schemas.user import USERNAME_LENGTH_MAXIMUM

SUFFIX_BYTES = 3
SUFFIX_LENGTH = 1 + 2 * SUFFIX_BYTES
NOTHING: Mapping[str, Any] = {}


class AccountCreation:
    """Creates accounts in the caller's transaction and records the actor: the new account itself for anonymous callers.

    `account` contains the address, the user name and the full name. Without `plan_id` the account gets the default
    plan; without a `password_hash` it cannot sign in by a password.
    """

    def __init__(self, users: UserRepository, audit: AuditTrail) -> None:
        self._users = users
        self._audit = audit

    async def create(
        self,
        actor: Principal,
        account: Mapping[str, str],
        password_hash: str,
        *,
        plan_id: int | None = None,
        is_verified: bool = False,
        is_staff: bool = False,
    ) -> int:
        """Create an account and return its id; raises Conflict when its address or user name is taken."""
        user = await self._new(account, password_hash, plan_id)
        user.is_staff = is_staff
        await self._users.insert(user, is_verified=is_verified)
        await self._record(actor, user, {**account, **_plan(plan_id), **({"is_staff": True} if is_staff else {})})
        return user.pk

    async def create_verified(
        self,
        account: Mapping[str, str],
        password_hash: str | None,
        *,
        plan_id: int | None = None,
        details: Mapping[str, Any] = NOTHING,
    ) -> int:
        """Create the account of a verified address and return its id; a taken user name gets a random suffix.

        `details` are added to the audit event. Raises Conflict when the address is taken; the transaction stays
        usable.
        """
        user = await self._new(account, password_hash, plan_id)
        while not await self._users.insert_if_free(user, is_verified=True):
            if await self._users.find_by_email(user.email) is not None:
                raise Conflict(EMAIL_TAKEN.message, details=[EMAIL_TAKEN])
            user.username = _with_suffix(account["username"])
        await self._record(ANONYMOUS, user, {**account, **_plan(plan_id), **details})
        return user.pk

    async def _new(self, account: Mapping[str, str], password_hash: str | None, plan_id: int | None) -> User:
        user = User.objects.new(**account, plan_id=plan_id or await self._users.default_plan_id())
        if password_hash is None:
            user.set_unusable_password()
        else:
            user.password = password_hash
        return user

    async def _record(self, actor: Principal, user: User, after: Mapping[str, Any]) -> None:
        creator = actor if actor.user_id else replace(actor, user_id=user.pk)
        await self._audit.record(AuditEntry(creator, "user.created", "user", user.pk, after=after))


def _plan(plan_id: int | None) -> dict[str, int]:
    return {} if plan_id is None else {"plan_id": plan_id}


def _with_suffix(username: str) -> str:
    return f"{username[: USERNAME_LENGTH_MAXIMUM - SUFFIX_LENGTH]}-{secrets.token_hex(SUFFIX_BYTES)}"
