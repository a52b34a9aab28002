"""What ending everybody's sessions did."""

from apps.core.schemas.base import ResponseSchema


class SessionsEnded(ResponseSchema):
    """How many sessions have ended."""

    sessions: int
