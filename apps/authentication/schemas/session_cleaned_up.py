"""What a clean-up did."""

from apps.core.schemas.base import ResponseSchema


class SessionCleanedUp(ResponseSchema):
    """How many rows of each kind were over."""

    login_attempts: int
    sessions: int
    admin_sessions: int
    signing_keys: int
