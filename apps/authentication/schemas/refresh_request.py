"""Going on after an access token has ended."""

from typing import Annotated

from pydantic import StringConstraints

from apps.core.schemas.base import RequestSchema


class RefreshRequest(RequestSchema):
    """The newest refresh token of a session."""

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=500)]
