"""Reads and writes sign-ups that wait for their address to be confirmed."""

from pathlib import Path

from django.db import connection

from apps.core.database.orm.queries import fetch_one
from apps.core.database.sql_files import load_statements
from apps.core.database.statements import fetch_rows
from apps.users.models import PendingRegistration

SQL = load_statements(Path(__file__).with_name("pending_registrations.sql"))


class PendingRegistrationRepository:
    """The sign-ups' rows. Those methods that are not async run in the transaction open on this thread."""

    def count_recent(self, email: str) -> int:
        """Return how many of the last hour are for the address; whoever else asks for it waits for the transaction."""
        with connection.cursor() as cursor:
            cursor.execute(SQL["lock_address"], [email])
            cursor.execute(SQL["count_recent"], [email])
            return int(cursor.fetchone()[0])

    def add(self, fields: dict[str, str], password_hash: str) -> int:
        """Insert one, and return its id."""
        return PendingRegistration.objects.create(**fields, password=password_hash).pk

    async def find(self, pending_id: int) -> PendingRegistration | None:
        """Return one, or None when it is gone."""
        return await fetch_one(PendingRegistration.objects.filter(pk=pending_id))

    def take(self, pending_id: int) -> PendingRegistration | None:
        """Remove and return one, with all others for its address; None when it is gone."""
        pending = PendingRegistration.objects.filter(pk=pending_id).first()
        if pending is not None:
            with connection.cursor() as cursor:
                cursor.execute(SQL["remove"], [pending.email])
        return pending

    async def remove_old(self, maximum: int) -> int:
        """Remove at most so many of over two days ago, and return how many."""
        return int((await fetch_rows(SQL["clean_up"], [maximum]))[0][0])
