"""Usage and refusals of one key or account."""

from datetime import date

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Amount, Timestamp


class UsedCalls(ResponseSchema):
    """How many calls of a key were allowed on a day (in UTC), and the credits that they cost."""

    api_key_id: int
    day: date
    calls: int
    cost: Amount


class RefusedCalls(ResponseSchema):
    """How many calls were refused with this code, and the minute in which the last one was."""

    code: str
    count: int
    last_at: Timestamp
