"""What a key used in a day."""

from datetime import date

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Amount


class UsedCalls(ResponseSchema):
    """How many calls of a key were allowed on a day (in UTC), and the credits that they cost."""

    api_key_id: int
    day: date
    calls: int
    cost: Amount
