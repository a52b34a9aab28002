"""The export of personal data."""

from typing import Any

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Timestamp
from apps.users.schemas.user import UserOut


class DataExportOut(ResponseSchema):
    """The account, and in `data` one section for each kind of personal data. No secret is included.

    A list has `items`, the newest 1,000, and `total`, the number of all. Use the operations that list them to get the
    others. `usage` covers the last 31 days.
    """

    exported_at: Timestamp
    account: UserOut
    data: dict[str, Any]
