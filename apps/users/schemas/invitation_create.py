"""Inviting somebody."""

from pydantic import Field

from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import ShortText, omitted
from apps.users.schemas.fields import EmailAddress


class InvitationCreate(RequestSchema):
    """Whom to invite, and on which plan, by its name; else the free one."""

    email: EmailAddress
    plan: ShortText = Field(default_factory=omitted)
