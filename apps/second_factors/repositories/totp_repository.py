"""Reads and writes authenticator apps."""

from datetime import timedelta
from typing import NamedTuple

from django.db.models import QuerySet
from django.db.models.functions import Now

from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.writes import delete, insert, update
from apps.core.database.statements import execute, fetch_rows
from apps.second_factors.models import TotpDevice
from apps.second_factors.repositories.factor_repository import SQL

UNCONFIRMED_LIFETIME = timedelta(minutes=15)


class StoredSecret(NamedTuple):
    """A device's encrypted secret, and the database's clock in Unix seconds."""

    device_id: int
    encrypted: bytes
    now: int


class TotpRepository:
    """The devices' rows. Lock the account before writing one."""

    async def find_confirmed(self, user_id: int) -> TotpDevice | None:
        """Return the account's confirmed device, or None."""
        return await _confirmed_of.first(user_id)

    async def find_confirmed_secret(self, user_id: int) -> StoredSecret | None:
        """Return the secret of the account's confirmed device, or None."""
        found = await fetch_rows(SQL["confirmed_secret"], {"user": user_id})
        return StoredSecret(*found[0]) if found else None

    async def find_unconfirmed_secret(self, user_id: int) -> StoredSecret | None:
        """Return the account's secret that awaits its first code; None when there is none, or it has expired."""
        found = await fetch_rows(SQL["unconfirmed_secret"], {"user": user_id, "lifetime": UNCONFIRMED_LIFETIME})
        return StoredSecret(*found[0]) if found else None

    async def insert_unconfirmed(self, user_id: int, secret_encrypted: bytes) -> None:
        """Insert a device that awaits its first code."""
        await insert(TotpDevice(user_id=user_id, secret_encrypted=secret_encrypted))

    async def confirm(self, device_id: int) -> None:
        """Confirm a device."""
        await update(TotpDevice.objects.filter(pk=device_id), confirmed_at=Now())

    async def accept_step(self, device_id: int, step: int) -> bool:
        """Store the time step of a code and return True, or False when a code of this or a later step was accepted."""
        return bool(await execute(SQL["accept_step"], {"id": device_id, "step": step}))

    async def delete_confirmed(self, user_id: int) -> None:
        """Delete the account's confirmed device."""
        await delete(TotpDevice.objects.filter(user_id=user_id, confirmed_at__isnull=False))

    async def delete_unconfirmed(self, user_id: int) -> None:
        """Delete the account's device that awaits its first code."""
        await delete(TotpDevice.objects.filter(user_id=user_id, confirmed_at__isnull=True))


@prepared
def _confirmed_of(user_id: int) -> QuerySet[TotpDevice]:
    return TotpDevice.objects.filter(user_id=user_id, confirmed_at__isnull=False)
