"""Reads and writes identities."""

from django.db.models import QuerySet
from django.db.models.functions import Now

from apps.core.database.database_errors import ConstraintViolated
from apps.core.database.open_transaction import require_transaction
from apps.core.database.orm.entity_repository import OwnedRepository
from apps.core.database.orm.queries import fetch_all, fetch_one, lock_one
from apps.core.database.orm.writes import delete, insert, update
from apps.core.errors import Conflict, NotFound
from apps.identities.domain.provider import Profile
from apps.identities.models import Identity


class IdentityRepository(OwnedRepository[Identity]):
    """The identities' rows. What writes one locks its account before."""

    model = Identity

    async def find(self, profile: Profile) -> Identity | None:
        """Return the identity of this person at the provider, or None."""
        return await fetch_one(_of(profile))

    async def lock_own(self, user_id: int, identity_id: int) -> Identity:
        """Lock one of the account's identities and return it; raises NotFound."""
        identity = await lock_one(Identity.objects.filter(user_id=user_id, pk=identity_id))
        if identity is None:
            raise NotFound
        return identity

    async def find_and_lock_deleted_owner(self, profile: Profile) -> Identity | None:
        """Return the identity of this person if a deleted account has it, with the account locked, or None.

        An account that is restored while the lock is awaited has the identity again, so None is returned.
        """
        require_transaction("lock users").lock("users")
        of_deleted = _of(profile).filter(user__deleted_at__isnull=False).select_related("user")
        return await fetch_one(of_deleted.select_for_update(of=("user",), no_key=True))

    async def all_of(self, user_id: int) -> list[Identity]:
        """Return the account's identities."""
        return await fetch_all(Identity.objects.filter(user_id=user_id))

    async def add(self, user_id: int, profile: Profile) -> Identity:
        """Insert the account's identity of this person; raises Conflict when it is linked already."""
        new = Identity(
            user_id=user_id,
            provider=profile.provider,
            issuer=profile.issuer,
            subject=profile.subject,
            email=profile.email,
        )
        try:
            return await insert(new)
        except ConstraintViolated as error:
            raise Conflict from error

    async def record_use(self, identity: Identity, email: str) -> bool:
        """Store a sign-in and the person's current address; False when the identity is deleted."""
        return bool(await update(Identity.objects.filter(pk=identity.pk), last_used_at=Now(), email=email))

    async def delete_if_there(self, identity: Identity) -> bool:
        """Delete the identity; False when it is deleted already."""
        return bool(await delete(Identity.objects.filter(pk=identity.pk)))


def _of(profile: Profile) -> QuerySet[Identity]:
    return Identity.objects.filter(provider=profile.provider, issuer=profile.issuer, subject=profile.subject)
