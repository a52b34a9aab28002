"""Revoking and rotating a key."""

from typing import Annotated

from pydantic import Field, StringConstraints

from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import Text

GRACE_SECONDS_MAXIMUM = 90 * 24 * 3600


class ApiKeyRevoke(RequestSchema):
    """Why a key is revoked; shown to its owner."""

    reason: Annotated[Text, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class ApiKeyRotate(RequestSchema):
    """How long the old secret goes on working beside the new one."""

    grace_seconds: Annotated[int, Field(strict=True, ge=0, le=GRACE_SECONDS_MAXIMUM)] = 0
