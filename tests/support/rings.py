"""A key ring with signing keys in memory."""

from datetime import timedelta

from django.utils import timezone

from apps.authentication.models import SigningKey
from apps.authentication.services.signing_keys import KeyRing
from apps.core.crypto.signing_algorithms import SigningAlgorithm
from apps.core.database.open_transaction import require_transaction


class FakeSigningKeys:
    """Signing keys in memory, newest first. `reads` counts how often they were read."""

    def __init__(self) -> None:
        self.rows: list[SigningKey] = []
        self.reads = 0
        self.is_locked = False

    async def all(self) -> list[SigningKey]:
        self.reads += 1
        now = timezone.now()
        return [row for row in self.rows if row.retires_at is None or row.retires_at > now]

    async def lock_ring(self) -> None:
        require_transaction("lock the ring")
        self.is_locked = True

    async def insert(self, key: SigningKey, notice: timedelta) -> None:
        assert self.is_locked
        key.pk, key.signs_at = len(self.rows) + 1, timezone.now() + notice
        self.rows.insert(0, key)

    async def retire_all(self, after: timedelta) -> int:
        assert self.is_locked
        standing = [row for row in self.rows if row.retires_at is None]
        for row in standing:
            row.retires_at = timezone.now() + after
        return len(standing)


def new_ring(rows: FakeSigningKeys | None = None, algorithm: SigningAlgorithm = SigningAlgorithm.EDDSA) -> KeyRing:
    """Return a key ring with these rows, whose first key is for the algorithm."""
    return KeyRing(rows or FakeSigningKeys(), algorithm)  # type: ignore[arg-type]  # replaces a SigningKeyRepository
