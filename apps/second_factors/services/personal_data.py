"""The personal data in second factors."""

from typing import Any, override

from apps.core.declarations import PersonalData
from apps.second_factors.repositories.factor_repository import FactorRepository
from apps.second_factors.services.second_factors import SecondFactors


class SecondFactorsPersonalData(PersonalData):
    """Exports which factors an account has, without any secret, and erases them."""

    def __init__(self, factors: FactorRepository, second_factors: SecondFactors) -> None:
        self._factors = factors
        self._second_factors = second_factors

    @override
    async def export(self, user_id: int) -> Any:
        """Return the account's factors, as its owner sees them."""
        return await self._second_factors.held_by(user_id)

    @override
    async def erase(self, user_id: int) -> None:
        """Delete the account's factors, recovery codes, and counts of wrong codes."""
        await self._factors.delete_all(user_id)
