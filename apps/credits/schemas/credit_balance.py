"""Credit balances."""

from apps.core.schemas.base import EntityOut
from apps.core.schemas.fields import Amount


class CreditBalanceOut(EntityOut):
    """The credits that an account can spend."""

    user_id: int
    balance: Amount
