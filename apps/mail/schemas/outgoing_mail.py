"""The check of the mail settings."""

from typing import Literal

from apps.core.schemas.base import ResponseSchema


class MailCheckOut(ResponseSchema):
    """`sent`: the mail server has taken it. `posted`: a served Keyhouse will send it."""

    recipient: str
    state: Literal["posted", "sent"]
