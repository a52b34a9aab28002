"""Inviting people to make an account."""

from datetime import timedelta

from django.conf import settings

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.authorization.principal import Principal, owner_of
from apps.core.database.transactions import run_in_transaction
from apps.core.errors import Conflict, ErrorDetail, InvalidToken, NotFound
from apps.core.schemas.page import Page, PageQuery
from apps.mail.domain.links import link_to
from apps.mail.domain.message import MailMessage, PostLetter, message_key
from apps.one_time_tokens.services.old_one_time_tokens import OneTimeTokens
from apps.plans.services.plan_service import PlanService
from apps.users.models import Invitation
from apps.users.repositories.old_invitation_repository import OldInvitationRepository
from apps.users.repositories.old_user_repository import OldUserRepository
from apps.users.schemas.invitation import InvitationCreate, InvitationOut
from apps.users.services.registration_mode import OFF

LETTER_KIND = "invitation"
HAS_ACCOUNT = ErrorDetail("email", "This address has an account already.")


class InvitationService:
    """Invites for staff, and takes invitations back. Every method for staff raises NotAllowed for others."""

    def __init__(
        self,
        invitations: OldInvitationRepository,
        users: OldUserRepository,
        plans: PlanService,
        tokens: OneTimeTokens,
        post_letter: PostLetter,
    ) -> None:
        self._invitations = invitations
        self._users = users
        self._plans = plans
        self._tokens = tokens
        self._post_letter = post_letter

    @property
    def life(self) -> timedelta:
        """For how long an invitation is good after it was sent."""
        return timedelta(seconds=self._tokens.ttl_seconds)

    async def invite(self, actor: Principal, new: InvitationCreate) -> InvitationOut:
        """Send an invitation.

        Raises ValidationFailed (unknown plan), Conflict when the address has an account, or nobody may sign up at all.
        """
        actor.require_staff()
        _require_use()
        plan_id = await self._plans.id_of(new.plan) if "plan" in new.model_fields_set else None
        return InvitationOut.of(await run_in_transaction(self._invite, actor, new.email, plan_id))

    async def page(self, actor: Principal, query: PageQuery) -> Page[InvitationOut]:
        """Return one page of the invitations, newest first."""
        actor.require_staff()
        rows, total = await self._invitations.page(offset=query.offset, size=query.size)
        return Page[InvitationOut].of(rows, total, query, InvitationOut.of)

    async def resend(self, actor: Principal, invitation_id: int) -> InvitationOut:
        """Send it again, good for as long from now.

        Raises NotFound when it is accepted or revoked, Conflict where nobody may sign up at all.
        """
        actor.require_staff()
        _require_use()
        return InvitationOut.of(await run_in_transaction(self._resend, actor, invitation_id))

    async def revoke(self, actor: Principal, invitation_id: int) -> None:
        """Take it back, whatever link was sent; raises NotFound when it is accepted or revoked."""
        actor.require_staff()
        await run_in_transaction(self._revoke, actor, invitation_id)

    def good_for(self, token: str, email: str) -> Invitation:
        """Return the invitation that the token is of, locked in the transaction open on this thread.

        Spends the token. Raises InvalidToken, also where it was sent to another address.
        """
        spent = self._tokens.spend(token)
        try:
            invitation = self._invitations.lock_open(spent.data["invitation"]) if spent else None
        except NotFound:
            invitation = None
        if invitation is None or invitation.email.lower() != email.lower():
            raise InvalidToken
        return invitation

    def good_for_address(self, email: str) -> Invitation | None:
        """Return a good invitation of an address that is verified otherwise, locked as by `good_for`, or None."""
        return self._invitations.lock_good_for(email)

    def accept(self, invitation: Invitation, user_id: int) -> None:
        """Note that the account was made by it, in the transaction open on this thread."""
        audit = AuditEntry(owner_of(user_id), "invitation.accepted", "invitation", subject_id=user_id)
        self._invitations.accept(invitation, user_id, audit)

    def _invite(self, actor: Principal, email: str, plan_id: int | None) -> Invitation:
        if self._users.lock_by_email(email) is not None:
            raise Conflict(HAS_ACCOUNT.message, details=[HAS_ACCOUNT])
        audit = AuditEntry(actor, "invitation.sent", "invitation")
        invitation = self._invitations.add(email, plan_id, self.life, audit)
        self._post(invitation)
        return invitation

    def _resend(self, actor: Principal, invitation_id: int) -> Invitation:
        invitation = self._invitations.lock_open(invitation_id)
        self._post(invitation)
        audit = AuditEntry(actor, "invitation.resent", "invitation")
        return self._invitations.renew(invitation, self.life, audit)

    def _revoke(self, actor: Principal, invitation_id: int) -> None:
        audit = AuditEntry(actor, "invitation.revoked", "invitation")
        self._invitations.revoke(self._invitations.lock_open(invitation_id), audit)

    def _post(self, invitation: Invitation) -> None:
        token = self._tokens.issue_to_nobody({"invitation": invitation.pk})
        context = {"link": link_to("sign-up", invitation=token, email=invitation.email)}
        key, lifetime = message_key(LETTER_KIND, token), self._tokens.ttl_seconds
        self._post_letter(MailMessage(LETTER_KIND, invitation.email, key, None, context, lifetime))


def _require_use() -> None:
    if settings.REGISTRATION == OFF:
        raise Conflict(
            "Registration is off: nobody could make an account by the invitation.", code="REGISTRATION_CLOSED"
        )
