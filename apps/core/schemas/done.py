"""An answer that says only that it is done."""

from typing import Literal

from apps.core.schemas.base import ResponseSchema


class Done(ResponseSchema):
    """It is done."""

    status: Literal["ok"] = "ok"
