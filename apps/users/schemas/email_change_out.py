"""How far a change of address has come."""

from typing import Literal

from apps.core.schemas.base import ResponseSchema


class EmailChangeOut(ResponseSchema):
    """`pending` while the other address has not confirmed, then `changed`."""

    status: Literal["pending", "changed"]
