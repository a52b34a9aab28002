"""Reads and writes pending registrations."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower, Now
from django.db.models.lookups import Exact

from apps.core.database.orm.queries import count, fetch_one, lock_all
from apps.core.database.orm.writes import delete, insert
from apps.core.database.statements import fetch_rows, load_statements
from apps.users.models import PendingRegistration

SQL = load_statements(Path(__file__).with_name("pending_registrations.sql"))


class PendingRegistrationRepository:
    """The pending registrations' rows."""

    async def count_since(self, email: str, age: timedelta) -> int:
        """Return the number of pending registrations for the address that are newer than `age`."""
        return await count(_of_address(email).filter(created_at__gt=Now() - age))

    async def insert(self, account: Mapping[str, str], password_hash: str) -> int:
        """Insert a pending registration and return its id."""
        return (await insert(PendingRegistration(**account, password=password_hash))).pk

    async def find(self, pending_id: int) -> PendingRegistration | None:
        """Return the pending registration, or None."""
        return await fetch_one(PendingRegistration.objects.filter(pk=pending_id))

    async def lock_all_for(self, email: str) -> list[PendingRegistration]:
        """Lock all pending registrations for the address and return them."""
        return await lock_all(_of_address(email))

    async def delete_all_for(self, email: str) -> None:
        """Delete all pending registrations for the address."""
        await delete(_of_address(email))

    async def delete_expired(self, maximum: int) -> int:
        """Delete up to `maximum` pending registrations that are older than two days, and return their number."""
        return int((await fetch_rows(SQL["delete_expired"], [maximum]))[0][0])


def _of_address(email: str) -> QuerySet[PendingRegistration]:
    return PendingRegistration.objects.filter(Q(Exact(Lower("email"), Lower(Value(email)))))
