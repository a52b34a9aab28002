"""Whether an account has a second factor, and what the first and the last one change."""

from apps.second_factors.repositories.factor_repository import FactorRepository
from apps.second_factors.repositories.recovery_code_repository import RecoveryCodeRepository
from apps.second_factors.services.codes import digest_of, new_codes
from apps.users.services.in_transaction.account_credentials import AccountCredentials


class FactorSet:
    """Keeps sessions and recovery codes in step with an account's factors, in the caller's transaction.

    The account is locked there.
    """

    def __init__(
        self, factors: FactorRepository, recovery_codes: RecoveryCodeRepository, credentials: AccountCredentials
    ) -> None:
        self._factors = factors
        self._recovery_codes = recovery_codes
        self._credentials = credentials

    async def require_reauthentication_before_first(self, user_id: int) -> None:
        """Before the first factor is added: let no earlier authentication of a session count as recent.

        A thief may be signed in by the password: what needs recent authentication then needs the factor, too.
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

    async def drop_recovery_codes_after_last(self, user_id: int) -> None:
        """After a factor is removed: delete the recovery codes unless there is one that they stand in for."""
        await self._recovery_codes.delete_without_factor(user_id)


class FactorCheck:
    """Looks for second factors in the caller's transaction."""

    def __init__(self, factors: FactorRepository) -> None:
        self._factors = factors

    async def has_one(self, user_id: int) -> bool:
        """Return whether the account has a second factor; certain while the account is locked."""
        return (await self._factors.counts(user_id)).has_factor
