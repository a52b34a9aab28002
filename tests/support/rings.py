"""A key ring with signing keys in memory."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from apps.audit.domain.audit_entry import AuditEntry
from apps.authentication.models import SigningKey
from apps.authentication.services.key_ring import KeyRing


class FakeSigningKeys:
    """Signing keys in memory, newest first. `reads` counts how often they were read."""

    def __init__(self) -> None:
        self.rows: list[SigningKey] = []
        self.reads = 0

    async def all(self) -> list[SigningKey]:
        self.reads += 1
        now = timezone.now()
        return [row for row in self.rows if row.retires_at is None or row.retires_at > now]

    async def ensure(self, is_good: Callable[[SigningKey], bool], make: Callable[[], SigningKey]) -> None:
        if not any(is_good(row) for row in self.rows):
            self.rows.insert(0, make())

    async def replace_all(self, new: SigningKey, notice: timedelta, overlap: timedelta, _audit: AuditEntry) -> None:
        new.signs_at = timezone.now() + notice
        for row in self.rows:
            row.retires_at = row.retires_at or new.signs_at + overlap
        self.rows.insert(0, new)


def new_ring(rows: FakeSigningKeys | None = None) -> KeyRing:
    """Return a key ring with these rows."""
    return KeyRing(rows or FakeSigningKeys())  # type: ignore[arg-type]  # replaces a SigningKeyRepository
