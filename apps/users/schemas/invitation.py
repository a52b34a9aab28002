"""Invitations."""

from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import Field

from apps.core.schemas.base import ReasonedRequest, ResponseSchema
from apps.core.schemas.fields import Flag, ShortText, Timestamp, omitted
from apps.users.schemas.user import EmailAddress, RoleNames

if TYPE_CHECKING:
    from apps.users.models import Invitation


class InvitationCreate(ReasonedRequest):
    """The address to invite, and the name of the plan of the new account; by default the default plan.

    `is_staff` makes the new account a member of staff, and `roles`, by name, are given to it. Both need the scope
    `staff:manage` and a recent authentication.
    """

    email: EmailAddress
    plan: ShortText = Field(default_factory=omitted)
    is_staff: Flag = False
    roles: RoleNames = Field(default_factory=list)

    @property
    def gives_rights(self) -> bool:
        """Whether the new account gets more than an account of a customer."""
        return self.is_staff or bool(self.roles)


class InvitationOut(ResponseSchema):
    """An invitation, without its token, which only the recipient gets."""

    id: int
    email: str
    plan: str | None
    is_staff: bool
    roles: list[str]
    invited_by: int | None
    user_id: int | None
    created_at: Timestamp
    expires_at: Timestamp
    accepted_at: Timestamp | None
    revoked_at: Timestamp | None

    @classmethod
    def of(cls, invitation: "Invitation") -> Self:
        """Return the invitation's public representation; its plan must be loaded, and `role_names` annotated."""
        return cls(
            id=invitation.pk,
            email=invitation.email,
            plan=invitation.plan.name if invitation.plan else None,
            is_staff=invitation.is_staff,
            roles=sorted(cast("Any", invitation).role_names),
            invited_by=invitation.invited_by_id,
            user_id=invitation.user_id,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
            accepted_at=invitation.accepted_at,
            revoked_at=invitation.revoked_at,
        )
