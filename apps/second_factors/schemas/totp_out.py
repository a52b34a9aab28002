"""An authenticator program, as its owner and staff see it."""

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Timestamp


class TotpOut(ResponseSchema):
    """The authenticator program that shows codes."""

    confirmed_at: Timestamp
    last_used_at: Timestamp | None
