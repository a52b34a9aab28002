"""Usage and refused calls."""

from datetime import date

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Amount, Timestamp


class UsedCalls(ResponseSchema):
    """The allowed calls of an API key on one day (UTC), and their cost in credits."""

    api_key_id: int
    day: date
    calls: int
    cost: Amount


class RefusedCalls(ResponseSchema):
    """The number of calls that were refused with this code, and the minute of the last one."""

    code: str
    count: int
    last_at: Timestamp
