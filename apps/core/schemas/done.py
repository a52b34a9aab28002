"""The response of operations without a result."""

from typing import Literal

from apps.core.schemas.base import ResponseSchema


class Done(ResponseSchema):
    """The operation succeeded."""

    status: Literal["ok"] = "ok"
