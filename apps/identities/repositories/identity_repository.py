"""Reads and writes identities."""

from django.db.models import QuerySet
from django.db.models.functions import Now

from apps.core.database.open_transaction import require_transaction
from apps.core.database.orm.entity_repository import OwnedRepository
from apps.core.database.orm.queries import fetch_all, fetch_one, lock_one
from apps.core.database.orm.writes import delete, insert_if_free, update
from apps.core.errors import Conflict, NotFound
from apps.identities.domain.provider import Profile
from apps.identities.models import Identity


class IdentityRepository(OwnedRepository[Identity]):
    """The identities' rows. Lock the account before writing one."""

    model = Identity

    async def find(self, profile: Profile) -> Identity | None:
        """Return the identity with the profile's provider, issuer and subject, or None."""
        return await fetch_one(_of(profile))

    async def lock_own(self, user_id: int, identity_id: int) -> Identity:
        """Lock one of the account's identities and return it; raises NotFound."""
        identity = await lock_one(Identity.objects.filter(user_id=user_id, pk=identity_id))
        if identity is None:
            raise NotFound
        return identity

    async def find_and_lock_deleted_owner(self, profile: Profile) -> Identity | None:
        """Lock the deleted account that the profile's identity belongs to, and return the identity, or None.

        Returns None if the account is restored while the lock is awaited.
        """
        require_transaction("lock users").lock("users")
        of_deleted = _of(profile).filter(user__deleted_at__isnull=False).select_related("user")
        return await fetch_one(of_deleted.select_for_update(of=("user",), no_key=True))

    async def all_of(self, user_id: int) -> list[Identity]:
        """Return the account's identities."""
        return await fetch_all(Identity.objects.filter(user_id=user_id))

    async def add(self, user_id: int, profile: Profile, *, linked_by_owner: bool) -> Identity:
        """Insert the profile's identity for the account; raises Conflict when it is already linked."""
        new = Identity(
            user_id=user_id,
            provider=profile.provider,
            issuer=profile.issuer,
            subject=profile.subject,
            email=profile.email,
            linked_by_owner=linked_by_owner,
        )
        if not await insert_if_free(new):
            raise Conflict
        return new

    async def record_use(self, identity: Identity, email: str) -> bool:
        """Record a sign-in with the user's current address; return False when the identity is deleted."""
        return bool(await update(Identity.objects.filter(pk=identity.pk), last_used_at=Now(), email=email))

    async def record_owners_link(self, identity: Identity) -> None:
        """Record that the owner has linked the identity, which a sign-in had linked before."""
        identity.linked_by_owner = True
        await update(Identity.objects.filter(pk=identity.pk), linked_by_owner=True)

    async def delete_if_exists(self, identity: Identity) -> bool:
        """Delete the identity; return False when it is already deleted."""
        return bool(await delete(Identity.objects.filter(pk=identity.pk)))


def _of(profile: Profile) -> QuerySet[Identity]:
    return Identity.objects.filter(provider=profile.provider, issuer=profile.issuer, subject=profile.subject)
