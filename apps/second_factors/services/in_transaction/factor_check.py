"""Whether an account has a second factor, as decided inside another change."""

from apps.second_factors.repositories.factor_repository import FactorRepository


class FactorCheck:
    """Looks for second factors in the caller's transaction."""

    def __init__(self, factors: FactorRepository) -> None:
        self._factors = factors

    async def has_one(self, user_id: int) -> bool:
        """Return whether the account has a second factor; certain while the account is locked."""
        return (await self._factors.counts(user_id)).has_factor
