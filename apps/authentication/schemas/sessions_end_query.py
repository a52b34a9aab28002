"""Signing out on many devices."""

from apps.core.schemas.base import RequestSchema


class SessionsEndQuery(RequestSchema):
    """Whether the session that asks ends too."""

    everywhere: bool = False
