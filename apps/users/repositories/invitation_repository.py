"""Reads and writes invitations."""

from typing import override

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower, Now
from django.db.models.lookups import Exact

from apps.core.database.orm.entity_repository import EntityRepository
from apps.core.database.orm.queries import count, fetch_all, lock_all, lock_one
from apps.core.database.orm.writes import update
from apps.core.errors import NotFound
from apps.users.models import Invitation


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

    async def lock_open(self, invitation_id: int) -> Invitation:
        """Lock an open invitation and return it; raises NotFound."""
        invitation = await lock_one(self._open().filter(pk=invitation_id))
        if invitation is None:
            raise NotFound
        return invitation

    async def lock_valid_for(self, email: str) -> Invitation | None:
        """Lock the address's open invitations that have not expired, and return the newest, or None."""
        found = await lock_all(self._open().filter(_is_to(email), expires_at__gt=Now()))
        return found[-1] if found else None

    async def accept(self, invitation: Invitation, user_id: int) -> None:
        """Store which account was created by a locked invitation."""
        await update(Invitation.objects.filter(pk=invitation.pk), accepted_at=Now(), user_id=user_id)

    def _open(self) -> QuerySet[Invitation]:
        return self.rows().filter(accepted_at=None, revoked_at=None)


def _is_to(email: str) -> Q:
    return Q(Exact(Lower("email"), Lower(Value(email))))
