"""Reads and writes invitations."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Lower, Now
from django.db.models.lookups import Exact

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.core.database.orm.queries import count, fetch_all
from apps.core.errors import NotFound
from apps.users.models import Invitation


class OldInvitationRepository:
    """The invitations' rows. Those methods that are not async run in the transaction open on this thread."""

    def __init__(self, record_audit: RecordAudit) -> None:
        self._record_audit = record_audit

    async def page(self, *, offset: int, size: int) -> tuple[list[Invitation], int]:
        """Return one page of all invitations, newest first, and how many there are."""
        found = Invitation.objects.select_related("plan").order_by("-id")
        return await fetch_all(found[offset : offset + size]), await count(found)

    def add(self, email: str, plan_id: int | None, life: timedelta, audit: AuditEntry) -> Invitation:
        """Insert one."""
        invited_by_id = audit.actor.user_id
        new = Invitation.objects.create(
            email=email, plan_id=plan_id, invited_by_id=invited_by_id, expires_at=Now() + life
        )
        self._record_audit(replace(audit, target_id=new.pk, after={"plan_id": plan_id}))
        return Invitation.objects.select_related("plan").get(pk=new.pk)

    def lock_open(self, invitation_id: int) -> Invitation:
        """Return one that is neither accepted nor revoked, locked; raises NotFound. It may have expired."""
        found = _open().select_for_update(of=("self",)).filter(pk=invitation_id).first()
        if found is None:
            raise NotFound
        return found

    def lock_good_for(self, email: str) -> Invitation | None:
        """Return the newest good one for the address, locked, or None."""
        found = _open().select_for_update(of=("self",)).filter(Exact(Lower("email"), email.lower()))
        return found.filter(expires_at__gt=Now()).order_by("-id").first()

    def renew(self, invitation: Invitation, life: timedelta, audit: AuditEntry) -> Invitation:
        """Let one that is locked be good for so long from now."""
        return self._change(invitation, audit, expires_at=Now() + life)

    def accept(self, invitation: Invitation, user_id: int, audit: AuditEntry) -> Invitation:
        """Note the account that was made by one that is locked."""
        return self._change(invitation, audit, accepted_at=Now(), user_id=user_id)

    def revoke(self, invitation: Invitation, audit: AuditEntry) -> Invitation:
        """Take back one that is locked."""
        return self._change(invitation, audit, revoked_at=Now())

    def _change(self, invitation: Invitation, audit: AuditEntry, **changes: Any) -> Invitation:
        Invitation.objects.filter(pk=invitation.pk).update(**changes, updated_at=Now())
        self._record_audit(replace(audit, target_id=invitation.pk))
        return Invitation.objects.select_related("plan").get(pk=invitation.pk)


def _open() -> QuerySet[Invitation]:
    return Invitation.objects.select_related("plan").filter(accepted_at=None, revoked_at=None)
