"""Checks whether an account has a second factor, and handles the first and the last one."""

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.second_factors.repositories.factor_repository import FactorRepository
from apps.second_factors.repositories.recovery_code_repository import RecoveryCodeRepository
from apps.second_factors.services.codes import digest_of, new_codes
from apps.users.services.in_transaction.account_credentials import AccountCredentials
from apps.users.services.in_transaction.security_notifier import SecurityNotice, SecurityNotifier


class FactorChanges:
    """Records changes of an account's factors: the audit event, and the notice to the owner, in the caller's
    transaction."""

    def __init__(self, audit: AuditTrail, notifier: SecurityNotifier) -> None:
        self._audit = audit
        self._notifier = notifier

    async def record(self, entry: AuditEntry, notice: SecurityNotice | None = None, key: str = "") -> None:
        """Record the owner's entry, and send the notice, if there is one; `key` identifies the change."""
        await self._audit.record(entry)
        if notice is not None:
            await self._notifier.notify(entry.actor.owner_id, notice, key, entry.actor)


class FactorSet:
    """Updates sessions and recovery codes when an account's factors change, in the caller's transaction.

    The caller has locked the account.
    """

    def __init__(
        self, factors: FactorRepository, recovery_codes: RecoveryCodeRepository, credentials: AccountCredentials
    ) -> None:
        self._factors = factors
        self._recovery_codes = recovery_codes
        self._credentials = credentials

    async def require_reauthentication_before_first(self, user_id: int) -> None:
        """Before the first factor is added: require every session to authenticate again.

        An attacker may be signed in with the password: operations that require re-authentication then need the factor.
        """
        if not (await self._factors.counts(user_id)).has_factor:
            await self._credentials.require_reauthentication(user_id)

    async def issue_first_recovery_codes(self, user_id: int) -> list[str]:
        """Store new recovery codes and return them; none while the account has unused ones."""
        if await self._recovery_codes.has_unused(user_id):
            return []
        codes = new_codes()
        await self._recovery_codes.insert_all(user_id, [digest_of(code) for code in codes])
        return codes

    async def remove_all(self, user_id: int) -> None:
        """Remove every factor of the account and its recovery codes."""
        await self._factors.delete_all(user_id)

    async def drop_recovery_codes_after_last(self, user_id: int) -> None:
        """After a factor is removed: delete the recovery codes if it was the last one."""
        await self._recovery_codes.delete_without_factor(user_id)


class FactorCheck:
    """Looks for second factors in the caller's transaction."""

    def __init__(self, factors: FactorRepository) -> None:
        self._factors = factors

    async def has_one(self, user_id: int) -> bool:
        """Return whether the account has a second factor. Exact while the account is locked."""
        return (await self._factors.counts(user_id)).has_factor
