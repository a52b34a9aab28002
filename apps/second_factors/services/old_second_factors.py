"""What apps that are not converted yet call on second factors: synchronously, or by former names."""

from typing import Any

from apps.core.authorization.principal import Principal
from apps.second_factors.repositories.old_factor_repository import OldFactorRepository
from apps.second_factors.schemas.second_factor import RecoveryCodesOut
from apps.second_factors.services.factor_recovery import FactorRecovery
from apps.second_factors.services.second_factors import SecondFactors


class OldSecondFactors(SecondFactors):
    """The methods that are not async work in the transaction that is open on the calling thread."""

    recovery: FactorRecovery
    old_rows = OldFactorRepository()

    def has_one(self, user_id: int) -> bool:
        """Return whether the account has a second factor: for apps/authentication."""
        return self.old_rows.has_factor(user_id)

    def erase(self, user_id: int) -> None:
        """Erase everything about the account's factors: for apps/personal_data."""
        self.old_rows.erase(user_id)

    async def export(self, user_id: int) -> Any:
        """Return the account's factors: for apps/personal_data."""
        return await self.held_by(user_id)

    async def renew_recovery_codes(self, actor: Principal) -> RecoveryCodesOut:
        """Replace the caller's recovery codes: for apps/backoffice."""
        return await self.recovery.renew_recovery_codes(actor)
