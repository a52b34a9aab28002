"""Reads and writes invitations."""

from datetime import datetime, timedelta
from typing import override

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower, Now
from django.db.models.lookups import Exact

from apps.core.database.orm.entity_repository import EntityRepository
from apps.core.database.orm.queries import count, fetch_after, fetch_all, lock_all, lock_one
from apps.core.database.orm.writes import update
from apps.core.errors import NotFound
from apps.users.models import Invitation
from apps.users.repositories.user_repository import require_plan


class InvitationRepository(EntityRepository[Invitation]):
    """The invitations' rows with their plans. An open one is neither accepted nor revoked; it may have expired."""

    model = Invitation

    @override
    def rows(self) -> QuerySet[Invitation]:
        """Return all invitations with their plans."""
        return Invitation.objects.select_related("plan")

    async def page(self, *, offset: int, size: int) -> tuple[list[Invitation], int]:
        """Return one page of all invitations, newest first, and how many there are."""
        found = self.rows().order_by("-id")
        return await fetch_all(found[offset : offset + size]), await count(found)

    async def after(self, position: int, maximum: int) -> list[Invitation]:
        """Return up to `maximum` invitations that follow a position, newest first."""
        return await fetch_after(self.rows(), position, maximum, newest_first=True)

    async def create(
        self, email: str, plan_id: int | None, invited_by_id: int | None, lifetime: timedelta
    ) -> Invitation:
        """Insert an invitation that is valid for `lifetime`; raises ValidationFailed when the plan is deleted."""
        new = Invitation(email=email, plan_id=plan_id, invited_by_id=invited_by_id, expires_at=Now() + lifetime)
        invitation = await self.insert(new)
        if plan_id is not None:
            await require_plan()
        return invitation

    async def lock_open(self, invitation_id: int) -> Invitation:
        """Lock an open invitation and return it; raises NotFound."""
        invitation = await lock_one(_open().filter(pk=invitation_id))
        if invitation is None:
            raise NotFound
        return invitation

    async def lock_valid_for(self, email: str) -> Invitation | None:
        """Lock the address's open invitations that have not expired, and return the newest, or None."""
        found = await lock_all(_open().filter(_is_to(email), expires_at__gt=Now()))
        return found[-1] if found else None

    async def renew(self, invitation: Invitation, lifetime: timedelta) -> Invitation:
        """Set a locked invitation to expire after `lifetime` from now."""
        return await self.update(invitation, expires_at=Now() + lifetime)

    async def revoke(self, invitation: Invitation) -> None:
        """Revoke a locked invitation."""
        await update(_row(invitation), revoked_at=Now())

    async def accept(self, invitation: Invitation, user_id: int) -> None:
        """Mark a locked invitation as accepted by the account."""
        await update(_row(invitation), accepted_at=Now(), user_id=user_id)

    async def replace_address_of_account(self, user_id: int, email: str) -> None:
        """Replace the address in the invitations by which the account was created."""
        await update(Invitation.objects.filter(user=user_id), email=email)

    async def replace_address(self, old: str, until: datetime, email: str) -> None:
        """Replace the address in the invitations to `old` that were sent before `until` and belong to no account."""
        await update(Invitation.objects.filter(_is_to(old), user=None, created_at__lt=until), email=email)


def _row(invitation: Invitation) -> QuerySet[Invitation]:
    return Invitation.objects.filter(pk=invitation.pk)


def _open() -> QuerySet[Invitation]:
    return Invitation.objects.filter(accepted_at=None, revoked_at=None)


def _is_to(email: str) -> Q:
    return Q(Exact(Lower("email"), Lower(Value(email))))
