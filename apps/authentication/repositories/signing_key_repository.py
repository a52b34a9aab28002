"""Reads and writes the keys that sign access tokens."""

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from apps.authentication.models import SigningKey
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.writes import insert, update
from apps.core.database.statements import fetch_rows

# Any number that no other advisory lock of Keyhouse has.
ADVISORY_LOCK = 7_205_001


class SigningKeyRepository:
    """The signing keys' rows. A transaction that adds one locks the ring before: the newest id is the newest key."""

    async def all(self) -> list[SigningKey]:
        """Return the keys that have not retired, newest first."""
        return await _keys.all()

    async def lock_ring(self) -> None:
        """Lock the ring: transactions that add keys wait for each other."""
        await fetch_rows("SELECT pg_advisory_xact_lock(%s::bigint)", [ADVISORY_LOCK])

    async def insert(self, key: SigningKey, notice: timedelta) -> None:
        """Insert a key that signs after `notice`, by the database's clock."""
        if notice:
            key.signs_at = Now() + notice
        await insert(key)

    async def retire_all(self, after: timedelta) -> int:
        """Set every key to retire after this time, unless it retires earlier; return the number of changed keys."""
        retirement = Now() + after
        return await update(
            SigningKey.objects.filter(Q(retires_at=None) | Q(retires_at__gt=retirement)), retires_at=retirement
        )


@prepared
def _keys() -> QuerySet[SigningKey]:
    return SigningKey.objects.filter(Q(retires_at=None) | Q(retires_at__gt=Now())).order_by("-id")
