"""Accepts invitations."""

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import owner_of
from apps.core.errors import InvalidToken, NotFound
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.users.models import Invitation
from apps.users.repositories.invitation_repository import InvitationRepository


class InvitationAcceptance:
    """Locks the invitation by which an account is about to be created, and accepts it, in the caller's transaction."""

    def __init__(self, invitations: InvitationRepository, tokens: OneTimeTokens, audit: AuditTrail) -> None:
        self._invitations = invitations
        self._tokens = tokens
        self._audit = audit

    async def lock_by_token(self, token: str, email: str) -> Invitation:
        """Spend the token and return its invitation; raises InvalidToken, also if it was sent to another address."""
        spent = await self._tokens.spend(token)
        if spent is None:
            raise InvalidToken
        try:
            invitation = await self._invitations.lock_open(spent.data["invitation"])
        except NotFound:
            raise InvalidToken from None
        if invitation.email.lower() != email.lower():
            raise InvalidToken
        return invitation

    async def lock_by_address(self, email: str) -> Invitation | None:
        """Return the newest valid invitation to a verified address, or None."""
        return await self._invitations.lock_valid_for(email)

    async def accept(self, invitation: Invitation, user_id: int) -> None:
        """Mark a locked invitation as accepted by the account, and record it."""
        await self._invitations.accept(invitation, user_id)
        entry = AuditEntry(owner_of(user_id), "invitation.accepted", "invitation", invitation.pk, subject_id=user_id)
        await self._audit.record(entry)
