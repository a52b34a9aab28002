"""Sends, lists and revokes invitations to create an account."""

from collections.abc import Collection
from datetime import timedelta

from django.conf import settings

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import CUSTOMERS_READ, CUSTOMERS_WRITE, STAFF_MANAGE
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict, ErrorDetail
from apps.core.schemas.page import START, CursorPage, CursorQuery, Page, PageQuery
from apps.mail.domain.message import MailMessage, link_to, message_key, own_link_to
from apps.mail.services.in_transaction.message_queue import MessageQueue
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.plans.services.plan_service import PlanService
from apps.users.models import Invitation
from apps.users.repositories.account_repository import AccountRepository
from apps.users.repositories.invitation_repository import InvitationRepository
from apps.users.schemas.invitation import InvitationCreate, InvitationOut
from apps.users.services.in_transaction.role_assignment import RoleAssignment
from apps.users.services.registration_mode import OFF, RegistrationClosed

MESSAGE_KIND, STAFF_MESSAGE_KIND, TARGET_KIND = "invitation", "staff_invitation", "invitation"
HAS_ACCOUNT = ErrorDetail("email", "An account with this e-mail address exists.")


class InvitationService:
    """Sends, lists and revokes invitations; every method raises NotAllowed or InsufficientScopes."""

    def __init__(
        self,
        invitations: InvitationRepository,
        accounts: AccountRepository,
        plans: PlanService,
        roles: RoleAssignment,
        *,
        tokens: OneTimeTokens,
        queue: MessageQueue,
        audit: AuditTrail,
    ) -> None:
        self._invitations = invitations
        self._accounts = accounts
        self._plans = plans
        self._roles = roles
        self._tokens = tokens
        self._queue = queue
        self._audit = audit

    @property
    def lifetime(self) -> timedelta:
        """The validity of an invitation after it was sent."""
        return timedelta(seconds=self._tokens.ttl_seconds)

    async def invite(self, actor: Principal, new: InvitationCreate) -> InvitationOut:
        """Send an invitation.

        Rights are given by those who hold them, after a recent authentication. Raises StepUpRequired, ValidationFailed
        for an unknown plan or role, Conflict when the address has an account, RegistrationClosed when registration is
        off, except for staff.
        """
        actor = actor.because(new.reason)
        actor.require_scope(CUSTOMERS_WRITE)
        if new.gives_rights:
            actor.require_scope(STAFF_MANAGE)
            actor.require_recent_authentication()
        _require_registration(is_staff=new.is_staff)
        plan_id = await self._plans.id_of(new.plan) if "plan" in new.model_fields_set else None
        async with transaction():
            if await self._accounts.lock_by_email(new.email) is not None:
                raise Conflict(HAS_ACCOUNT.message, details=[HAS_ACCOUNT])
            role_ids = await self._roles.lock_giveable(actor, new.roles) if new.roles else set()
            row = Invitation(email=new.email, plan_id=plan_id, is_staff=new.is_staff, invited_by_id=actor.user_id)
            invitation = await self._invitations.create(row, role_ids, self.lifetime)
            rights = {"is_staff": new.is_staff, "roles": new.roles} if new.gives_rights else {}
            after = {"plan_id": plan_id, **rights}
            await self._audit.record(AuditEntry(actor, "invitation.sent", TARGET_KIND, invitation.pk, after=after))
            await self._enqueue(invitation)
        return InvitationOut.of(invitation)

    async def page(self, actor: Principal, query: PageQuery) -> Page[InvitationOut]:
        """Return one page of the invitations, newest first."""
        actor.require_scope(CUSTOMERS_READ)
        rows, total = await self._invitations.page(offset=query.offset, size=query.size)
        return Page[InvitationOut].of(rows, total, query, InvitationOut.of)

    async def after(self, actor: Principal, query: CursorQuery) -> CursorPage[InvitationOut]:
        """Return the part of the invitations at the cursor, newest first."""
        actor.require_scope(CUSTOMERS_READ)
        rows = await self._invitations.after(query.cursor or START, query.size + 1)
        return CursorPage[InvitationOut].of(rows, query, InvitationOut.of)

    async def resend(self, actor: Principal, invitation_id: int) -> InvitationOut:
        """Send the invitation again, valid for a full lifetime from now.

        One that gives rights gives them again: that takes what `invite` takes, and the actor is the inviter from then
        on, so that the invitation of a colleague who has left can be accepted. Raises NotFound when it was accepted or
        revoked, StepUpRequired, RegistrationClosed when registration is off, except for staff.
        """
        actor.require_scope(CUSTOMERS_WRITE)
        async with transaction():
            invitation, role_ids = await self._lock_open(actor, invitation_id)
            _require_registration(is_staff=invitation.is_staff)
            inviter_id = invitation.invited_by_id
            if invitation.is_staff or role_ids:
                await self._require_giveable(actor, role_ids)
                inviter_id = actor.user_id
            await self._enqueue(invitation)
            renewed = await self._invitations.renew(invitation, self.lifetime, inviter_id)
            await self._audit.record(AuditEntry(actor, "invitation.resent", TARGET_KIND, invitation_id))
        return InvitationOut.of(renewed)

    async def revoke(self, actor: Principal, invitation_id: int) -> None:
        """Revoke the invitation and every link to it; raises NotFound when it was accepted or revoked."""
        actor.require_scope(CUSTOMERS_WRITE)
        async with transaction():
            invitation, _ = await self._lock_open(actor, invitation_id)
            await self._invitations.revoke(invitation)
            await self._audit.record(AuditEntry(actor, "invitation.revoked", TARGET_KIND, invitation_id))

    async def _lock_open(self, actor: Principal, invitation_id: int) -> tuple[Invitation, set[int]]:
        """Lock the invitation, and return it with the ids of its roles."""
        invitation = await self._invitations.lock_open(invitation_id)
        role_ids = await self._invitations.role_ids(invitation)
        if invitation.is_staff or role_ids:
            actor.require_scope(STAFF_MANAGE)
        return invitation, role_ids

    async def _require_giveable(self, actor: Principal, role_ids: Collection[int]) -> None:
        actor.require_recent_authentication()
        if role_ids:
            await self._roles.lock_giveable(actor, (), role_ids)

    async def _enqueue(self, invitation: Invitation) -> None:
        token = await self._tokens.issue_another(None, {"invitation": invitation.pk})
        fragment = {"invitation": token, "email": invitation.email}
        kind = STAFF_MESSAGE_KIND if invitation.is_staff else MESSAGE_KIND
        link = own_link_to if invitation.is_staff else link_to
        context = {"link": link("sign-up", **fragment)}
        key, lifetime = message_key(kind, token), self._tokens.ttl_seconds
        await self._queue.enqueue(MailMessage(kind, invitation.email, key, None, context, lifetime))


def _require_registration(*, is_staff: bool) -> None:
    if not is_staff and settings.REGISTRATION == OFF:
        raise RegistrationClosed("Registration is off, so an invitation could not be accepted.")
