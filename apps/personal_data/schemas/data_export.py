"""The export of personal data."""

from typing import Any

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Timestamp
from apps.users.schemas.user import UserOut


class DataExportOut(ResponseSchema):
    """The account, and what each room keeps of it, by name, without any secret.

    A list has `items`, the newest 1,000, and `total`, how many there are; what is left out, the operations that list it
    give page by page. `usage` is of the last 31 days.
    """

    exported_at: Timestamp
    account: UserOut
    data: dict[str, Any]
