"""A key's owner, as the decision sees it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Owner:
    """The account a key belongs to, as far as the decision needs it."""

    user_id: int
    plan: str
    is_active: bool
    locked_until: datetime | None
    is_staff: bool
    is_superuser: bool
    balance: Decimal
