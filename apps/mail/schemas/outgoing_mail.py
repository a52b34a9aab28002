"""The outcome of a check of mail delivery."""

from typing import Literal

from apps.core.schemas.base import ResponseSchema


class MailCheckOut(ResponseSchema):
    """`sent`: the mail server has accepted the message. `enqueued`: a running server will send it."""

    recipient: str
    state: Literal["enqueued", "sent"]
