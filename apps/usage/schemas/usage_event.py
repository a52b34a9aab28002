"""Usage and refused calls."""

from datetime import date

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Amount, Timestamp
from apps.usage.schemas.call import reason_of


class UsedCalls(ResponseSchema):
    """The allowed calls of an API key on one day (UTC), and their cost in credits."""

    api_key_id: int
    day: date
    calls: int
    cost: Amount


class RefusedCalls(ResponseSchema):
    """The number of calls that were refused with this code and detail, and the minute of the last one.

    `detail` is empty for calls that were refused before there were details.
    """

    code: str
    detail: str
    count: int
    last_at: Timestamp

    @property
    def reason(self) -> str:
        """The detail in words, or an empty string."""
        return reason_of(self.code, self.detail)


class RefusedCallsOfKey(RefusedCalls):
    """The refused calls of one key."""

    api_key_id: int


class CallsToday(ResponseSchema):
    """Calls since midnight (UTC). With `allowed_is_more`, more were allowed than were counted."""

    allowed: int
    allowed_is_more: bool
    refused: int

    @property
    def words(self) -> str:
        """Both numbers, with separators."""
        return f"{self.allowed:,}{'+' if self.allowed_is_more else ''} allowed, {self.refused:,} refused"


class CallsOfHour(ResponseSchema):
    """The calls of the hour that begins at `hour`. With `allowed_is_more`, more were allowed than were counted."""

    hour: Timestamp
    allowed: int
    allowed_is_more: bool
    refused: int


class ChargedCalls(ResponseSchema):
    """The calls of one key that a ledger entry charges, and the request id of the first."""

    api_key_id: int
    calls: int
    request_id: str
