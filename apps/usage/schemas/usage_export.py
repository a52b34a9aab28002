"""Which calls are exported, and how."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import ConfigDict, Field

from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import Identifier
from apps.usage.schemas.usage_report import EndMoment, Moment

DEFAULT_DAYS = 30


class UsageExportQuery(RequestSchema):
    """The calls from `from` (included) to `to` (excluded), by default those of the last 30 days.

    `format` is `csv`, with a line of headings, or `ndjson`, one JSON object a line. `user_id` is the account, by
    default your own.
    """

    model_config = ConfigDict(populate_by_name=True)

    format: Literal["csv", "ndjson"] = "csv"
    starts_at: Moment | None = Field(default=None, alias="from")
    ends_at: EndMoment | None = Field(default=None, alias="to")
    user_id: Identifier | None = None

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the beginning and the end."""
        ends_at = self.ends_at or now
        return self.starts_at or ends_at - timedelta(days=DEFAULT_DAYS), ends_at
