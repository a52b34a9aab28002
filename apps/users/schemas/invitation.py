"""Invitations."""

from typing import TYPE_CHECKING, Self

from pydantic import Field

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import ShortText, Timestamp, omitted
from apps.users.schemas.user import EmailAddress

if TYPE_CHECKING:
    from apps.users.models import Invitation


class InvitationCreate(RequestSchema):
    """The address to invite, and the name of the plan of the new account; by default the default plan."""

    email: EmailAddress
    plan: ShortText = Field(default_factory=omitted)


class InvitationOut(ResponseSchema):
    """An invitation, without its token, which only the recipient gets."""

    id: int
    email: str
    plan: str | None
    invited_by: int | None
    user_id: int | None
    created_at: Timestamp
    expires_at: Timestamp
    accepted_at: Timestamp | None
    revoked_at: Timestamp | None

    @classmethod
    def of(cls, invitation: "Invitation") -> Self:
        """Return the invitation's public representation; its plan must be loaded."""
        return cls(
            id=invitation.pk,
            email=invitation.email,
            plan=invitation.plan.name if invitation.plan else None,
            invited_by=invitation.invited_by_id,
            user_id=invitation.user_id,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
            accepted_at=invitation.accepted_at,
            revoked_at=invitation.revoked_at,
        )
