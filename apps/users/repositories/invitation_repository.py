"""Reads and writes invitations."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, override

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet, Value
from django.db.models.functions import Lower, Now
from django.db.models.lookups import Exact

from apps.core.database.orm.entity_repository import EntityRepository
from apps.core.database.orm.queries import count, fetch_after, fetch_all, lock_all, lock_one
from apps.core.database.orm.writes import insert_all, update
from apps.core.errors import NotFound
from apps.users.models import Invitation
from apps.users.repositories.user_repository import require_plan

# Django makes this model, so nothing says of which type it is.
InvitedRole: type[Any] = Invitation.roles.through


class InvitationRepository(EntityRepository[Invitation]):
    """The invitations' rows with their plans and `role_names`.

    An open one is neither accepted nor revoked; it may have expired.
    """

    model = Invitation

    @override
    def rows(self) -> QuerySet[Invitation]:
        """Return all invitations with their plans and the names of their roles."""
        names = InvitedRole.objects.filter(invitation=OuterRef("pk")).values("group__name")
        return Invitation.objects.select_related("plan").annotate(role_names=ArraySubquery(names))

    async def page(self, *, offset: int, size: int) -> tuple[list[Invitation], int]:
        """Return one page of all invitations, newest first, and how many there are."""
        found = self.rows().order_by("-id")
        return await fetch_all(found[offset : offset + size]), await count(found)

    async def after(self, position: int, maximum: int) -> list[Invitation]:
        """Return up to `maximum` invitations that follow a position, newest first."""
        return await fetch_after(self.rows(), position, maximum, newest_first=True)

    async def create(self, new: Invitation, role_ids: Collection[int], lifetime: timedelta) -> Invitation:
        """Insert an invitation with these roles, which are locked, valid for `lifetime`, and return it.

        Raises ValidationFailed when its plan is deleted.
        """
        new.expires_at = Now() + lifetime
        invitation = await self.insert(new)
        if new.plan_id is not None:
            await require_plan()
        if not role_ids:
            return invitation
        await insert_all([InvitedRole(invitation_id=new.pk, group_id=role_id) for role_id in sorted(role_ids)])
        return await self.get(new.pk)

    async def role_ids(self, invitation: Invitation) -> set[int]:
        """Return the ids of the roles of an invitation."""
        return {row.group_id for row in await fetch_all(InvitedRole.objects.filter(invitation=invitation.pk))}

    async def lock_open(self, invitation_id: int) -> Invitation:
        """Lock an open invitation and return it; raises NotFound."""
        invitation = await lock_one(_open().filter(pk=invitation_id))
        if invitation is None:
            raise NotFound
        return invitation

    async def lock_valid_for(self, email: str) -> Invitation | None:
        """Lock the address's open invitations of customers that have not expired, and return the newest, or None."""
        found = await lock_all(_open().filter(_is_to(email), expires_at__gt=Now(), is_staff=False))
        return found[-1] if found else None

    async def renew(self, invitation: Invitation, lifetime: timedelta, invited_by_id: int | None) -> Invitation:
        """Set a locked invitation to expire after `lifetime` from now, as one of this account's."""
        return await self.update(invitation, expires_at=Now() + lifetime, invited_by_id=invited_by_id)

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
