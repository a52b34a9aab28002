"""Proving once more who one is."""

from apps.core.schemas.base import RequestSchema
from apps.users.schemas.fields import Password


class StepUpRequest(RequestSchema):
    """The account's password."""

    password: Password
