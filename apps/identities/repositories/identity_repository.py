"""Reads and writes identities."""

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from apps.core.database.orm.queries import count, fetch_all, fetch_one
from apps.core.errors import Conflict, NotFound
from apps.identities.models import Identity, Profile


class IdentityRepository:
    """The identities' rows. Those methods that are not async work in the transaction open on the calling thread."""

    async def page(self, user_id: int, *, offset: int, size: int) -> tuple[list[Identity], int]:
        """Return one page of the account's identities, oldest first, and how many there are in all."""
        found = Identity.objects.filter(user_id=user_id).order_by("id")
        return await fetch_all(found[offset : offset + size]), await count(found)

    async def owner_of(self, identity_id: int) -> int:
        """Return whose it is; raises NotFound."""
        identity = await fetch_one(Identity.objects.filter(pk=identity_id))
        if identity is None:
            raise NotFound
        return identity.user_id

    def find(self, profile: Profile) -> Identity | None:
        """Return the identity that this is, or None."""
        return _same(profile).first()

    def leave_deleted(self, profile: Profile) -> Identity | None:
        """Remove the identity that this is from a deleted account, and return it; None unless one has it.

        A deleted account keeps its identities for when it is restored, until their owner comes back before that. It is
        locked, so that it is not restored meanwhile; the lock looks again at what was restored while it waited.
        """
        of_deleted = _same(profile).filter(user__deleted_at__isnull=False).select_related("user")
        left = of_deleted.select_for_update(of=("user",)).first()
        return left if left is not None and Identity.objects.filter(pk=left.pk).delete()[0] else None

    def get(self, user_id: int, identity_id: int) -> Identity:
        """Return one of the account's identities; raises NotFound."""
        identity = Identity.objects.filter(user_id=user_id, pk=identity_id).first()
        if identity is None:
            raise NotFound
        return identity

    def all_of(self, user_id: int) -> list[Identity]:
        """Return the account's identities."""
        return list(Identity.objects.filter(user_id=user_id))

    def add(self, user_id: int, profile: Profile) -> Identity:
        """Insert it; raises Conflict when it has been linked since one looked."""
        new = Identity(
            user_id=user_id,
            provider=profile.provider,
            issuer=profile.issuer,
            subject=profile.subject,
            email=profile.email,
        )
        try:
            with transaction.atomic():
                new.save()
        except IntegrityError as error:
            raise Conflict from error
        return Identity.objects.get(pk=new.pk)

    def touch(self, identity_id: int, email: str) -> bool:
        """Note a sign-in, and what the provider calls the person now; return whether the identity is still there."""
        return bool(Identity.objects.filter(pk=identity_id).update(last_used_at=Now(), email=email))

    def remove(self, identity: Identity) -> None:
        """Remove it."""
        Identity.objects.filter(pk=identity.pk).delete()

    def remove_all(self, user_id: int) -> None:
        """Remove all of the account's."""
        Identity.objects.filter(user_id=user_id).delete()


def _same(profile: Profile) -> QuerySet[Identity]:
    return Identity.objects.filter(provider=profile.provider, issuer=profile.issuer, subject=profile.subject)
