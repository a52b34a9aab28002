"""Second factors that an operator has removed."""

from apps.core.schemas.base import ResponseSchema
from apps.second_factors.schemas.factor_kind import FactorKind


class SecondFactorsReset(ResponseSchema):
    """What an operator has removed."""

    user_id: int
    removed: list[FactorKind]
