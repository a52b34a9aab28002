"""Reads and writes the keys that sign access tokens."""

from collections.abc import Callable

from django.db import connection

from apps.authentication.models import SigningKey
from apps.core.database.queries import fetch_all
from apps.core.database.transactions import run_in_transaction

# Any number, as long as nothing else in Keyhouse takes an advisory lock by it.
ADVISORY_LOCK = 7_205_001


class SigningKeyRepository:
    """The signing keys' rows."""

    async def all(self) -> list[SigningKey]:
        """Return the keys, newest first."""
        return await fetch_all(SigningKey.objects.order_by("-id"))

    async def ensure(self, is_good: Callable[[SigningKey], bool], make: Callable[[], SigningKey]) -> None:
        """Insert what `make` returns unless a key is good; of several processes at once, one does it."""
        await run_in_transaction(self._ensure, is_good, make)

    def _ensure(self, is_good: Callable[[SigningKey], bool], make: Callable[[], SigningKey]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        if not any(is_good(key) for key in SigningKey.objects.all()):
            make().save()
