"""Reads and writes passkeys."""

from django.db.models import QuerySet

from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.queries import count, fetch_one, lock_one
from apps.core.database.orm.writes import delete, insert_if_free, update
from apps.core.database.statements import execute
from apps.core.errors import Conflict, NotFound
from apps.second_factors.domain.presented_factors import Assertion
from apps.second_factors.models import Passkey
from apps.second_factors.repositories.factor_repository import SQL


class PasskeyRepository:
    """The passkeys' rows. Lock the account before adding, using or deleting one."""

    async def find(self, credential_id: bytes) -> Passkey | None:
        """Return the passkey with this credential id, or None."""
        return await fetch_one(Passkey.objects.filter(credential_id=credential_id))

    async def of_user(self, user_id: int) -> list[Passkey]:
        """Return the account's passkeys, the oldest first."""
        return await _passkeys_of.all(user_id)

    async def count(self, user_id: int) -> int:
        """Return how many passkeys the account has."""
        return await count(Passkey.objects.filter(user_id=user_id))

    async def lock(self, user_id: int, passkey_id: int) -> Passkey:
        """Lock one of the account's passkeys and return it; raises NotFound."""
        passkey = await lock_one(Passkey.objects.filter(pk=passkey_id, user_id=user_id))
        if passkey is None:
            raise NotFound
        return passkey

    async def insert(self, passkey: Passkey) -> Passkey:
        """Insert a passkey; raises Conflict when it is already registered, for this or another account."""
        if not await insert_if_free(passkey):
            raise Conflict("This passkey is already registered.")
        return passkey

    async def rename(self, passkey: Passkey, name: str) -> None:
        """Change the name of a locked passkey."""
        await update(Passkey.objects.filter(pk=passkey.pk), name=name)
        passkey.name = name

    async def use(self, passkey: Passkey, shown: Assertion) -> bool:
        """Store a use and return True, or False when its counter has not increased or the passkey is deleted."""
        values = {"id": passkey.pk, "count": shown.sign_count, "backed_up": shown.is_backed_up}
        return bool(await execute(SQL["use_passkey"], values))

    async def delete(self, passkey: Passkey) -> None:
        """Delete a locked passkey."""
        await delete(Passkey.objects.filter(pk=passkey.pk))


@prepared
def _passkeys_of(user_id: int) -> QuerySet[Passkey]:
    return Passkey.objects.filter(user_id=user_id).order_by("id")
