"""Credit balances."""

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Amount


class CreditBalanceOut(ResponseSchema):
    """What a customer has left to spend."""

    user_id: int
    balance: Amount
