"""Accepts invitations."""

from collections.abc import Collection

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import STAFF_MANAGE
from apps.core.authorization.principal import owner_of
from apps.core.errors import InvalidToken, NotFound
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.users.models import Invitation
from apps.users.repositories.account_repository import AccountRepository
from apps.users.repositories.invitation_repository import InvitationRepository
from apps.users.repositories.role_repository import RoleRepository
from apps.users.services.credentials import Credentials, scopes_held_by


class InvitationAcceptance:
    """Locks the invitation by which an account is about to be created, and accepts it, in the caller's transaction."""

    def __init__(
        self,
        invitations: InvitationRepository,
        accounts: AccountRepository,
        roles: RoleRepository,
        tokens: OneTimeTokens,
        audit: AuditTrail,
    ) -> None:
        self._invitations = invitations
        self._accounts = accounts
        self._roles = roles
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
        """Return the newest valid invitation of a customer to a verified address, or None.

        Members of staff accept theirs by its link, and choose a password.
        """
        return await self._invitations.lock_valid_for(email)

    async def accept(self, invitation: Invitation, user_id: int) -> None:
        """Mark a locked invitation as accepted by the new account, give it the roles, and record it.

        Raises InvalidToken when the person who invited can no longer give these rights.
        """
        await self._invitations.accept(invitation, user_id)
        roles = await self._give_roles(invitation, user_id)
        after = {"is_staff": invitation.is_staff, "roles": roles} if invitation.is_staff or roles else {}
        actor = owner_of(user_id)
        entry = AuditEntry(actor, "invitation.accepted", "invitation", invitation.pk, after=after, subject_id=user_id)
        await self._audit.record(entry)

    async def _give_roles(self, invitation: Invitation, user_id: int) -> list[str]:
        invited = await self._invitations.role_ids(invitation)
        roles = await self._roles.lock_all((), invited) if invited else []
        ids = {role.pk for role in roles}
        if invitation.is_staff or roles:
            await self._require_rights_of_inviter(invitation, ids)
            await self._roles.add(user_id, ids)
        return sorted(role.name for role in roles)

    async def _require_rights_of_inviter(self, invitation: Invitation, role_ids: Collection[int]) -> None:
        """Raise InvalidToken unless the inviter could give the rights now: an invitation outlives no dismissal."""
        if invitation.invited_by_id is None:
            return
        inviter = await self._accounts.find(invitation.invited_by_id)
        if inviter is None or not inviter.is_active:
            raise InvalidToken
        held = await scopes_held_by(Credentials.of(inviter), self._accounts)
        if {STAFF_MANAGE, *await self._roles.scopes_of(role_ids)} - held:
            raise InvalidToken
