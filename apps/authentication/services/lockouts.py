"""The lockouts of accounts: shown to staff, and ended by them."""

from collections.abc import Mapping
from datetime import datetime

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.authentication.repositories.login_attempt_repository import UNKNOWN_CLIENTS, LoginAttemptRepository
from apps.authentication.schemas.lockout import LockoutKind, LockoutOut, LockoutsOut, UnlockedOut
from apps.core.authorization.catalogue import SECURITY_READ, SECURITY_WRITE
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.errors import NotFound
from apps.second_factors.services.in_transaction.code_locks import LOCKS_MAXIMUM, CodeLocks
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.user_service import UserService

OWN_LOCKOUTS = "You cannot unlock your own account. Ask another member of staff."


class Lockouts:
    """What keeps an owner from signing in: wrong passwords, by client and for unknown clients, and wrong codes.

    API keys are refused by none of these. The lock of the account itself (`locked_until`) refuses them too.
    """

    def __init__(
        self,
        attempts: LoginAttemptRepository,
        codes: CodeLocks,
        users: UserService,
        accounts: Accounts,
        audit: AuditTrail,
    ) -> None:
        self._attempts = attempts
        self._codes = codes
        self._users = users
        self._accounts = accounts
        self._audit = audit

    async def of_account(self, actor: Principal, user_id: int) -> LockoutsOut:
        """Return the lockouts of an account; raises NotAllowed, InsufficientScopes, NotFound."""
        actor.require_scope(SECURITY_READ)
        account = await self._users.overview_of(user_id)
        if account.deleted_at is not None:
            raise NotFound
        return LockoutsOut(items=await self.of(actor, user_id, account.email, account.locked_until))

    async def of(
        self, actor: Principal, user_id: int, email: str, account_locked_until: datetime | None
    ) -> list[LockoutOut]:
        """Return the lockouts of an account that the caller has read; raises NotAllowed, InsufficientScopes."""
        actor.require_scope(SECURITY_READ)
        locks = await self._attempts.locks(email, LOCKS_MAXIMUM)
        found = [_lockout(LockoutKind.PASSWORD, *lock) for lock in locks]
        found += [_lockout(LockoutKind.CODE, *lock) for lock in await self._codes.of(user_id)]
        if account_locked_until is not None:
            found.insert(0, _lockout(LockoutKind.ACCOUNT, "", 0, account_locked_until))
        return found

    async def ends(self, accounts: Mapping[int, str]) -> dict[int, datetime]:
        """Return those of the accounts, by id with their addresses, that have a lockout, and when the last one ends.

        For callers that have checked who may read it.
        """
        ends = await self._attempts.locked_accounts(accounts)
        for user_id, end in (await self._codes.ends(accounts)).items():
            ends[user_id] = max(end, ends.get(user_id, end))
        return ends

    async def unlock(self, actor: Principal, user_id: int) -> UnlockedOut:
        """End every lockout of the account, and return how many there were.

        The counts that have caused them start again: until the next lock, guesses are as many as after none. Raises
        NotAllowed, also for the actor's own account, InsufficientScopes, NotFound.
        """
        actor.require_scope(SECURITY_WRITE)
        actor.require_other(user_id, OWN_LOCKOUTS)
        async with transaction():
            account = await self._accounts.lock_for(actor, user_id, SECURITY_WRITE)
            ended = await self._attempts.lift_locks(account.email)
            ended += await self._codes.lift(user_id) + await self._accounts.lift_lock(user_id)
            if ended:
                after = {"ended": ended}
                await self._audit.record(AuditEntry(actor, "account.unlocked", "user", user_id, after=after))
        return UnlockedOut(ended=ended)


def _lockout(kind: LockoutKind, client_address: str, failures: int, locked_until: datetime) -> LockoutOut:
    address = None if client_address in ("", UNKNOWN_CLIENTS) else client_address
    return LockoutOut(kind=kind, client_address=address, failures=failures, locked_until=locked_until)
