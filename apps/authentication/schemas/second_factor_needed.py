"""What signing in gives where an account has a second factor."""

from apps.core.schemas.base import ResponseSchema
from apps.second_factors.schemas import FactorKind


class SecondFactorNeeded(ResponseSchema):
    """The first step is done; the token completes it for `expires_in` seconds, beside proof of one of the `kinds`."""

    second_factor_token: str
    kinds: list[FactorKind]
    expires_in: int
