"""Reads and writes the keys that sign access tokens."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.authentication.models import SigningKey
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.transactions import run_in_transaction

# Any number, as long as nothing else in Keyhouse takes an advisory lock by it.
ADVISORY_LOCK = 7_205_001


class SigningKeyRepository:
    """The signing keys' rows. Whoever adds one holds an advisory lock, so the newest id is the newest key."""

    def __init__(self, record_audit: RecordAudit) -> None:
        self._record_audit = record_audit

    async def all(self) -> list[SigningKey]:
        """Return the keys that have not retired, newest first."""
        return await _standing_keys.all()

    async def ensure(self, is_good: Callable[[SigningKey], bool], make: Callable[[], SigningKey]) -> None:
        """Insert what `make` returns unless a key that stands is good; of several processes at once, one does it."""
        await run_in_transaction(self._ensure, is_good, make)

    async def replace_all(self, new: SigningKey, notice: timedelta, overlap: timedelta, audit: AuditEntry) -> None:
        """Insert a key that signs after `notice`, and let each other retire when `overlap` is over after that.

        A key that retires earlier anyway does. Where no key stands, the new one signs at once.
        """
        await run_in_transaction(self._replace_all, new, notice, overlap, audit)

    def _ensure(self, is_good: Callable[[SigningKey], bool], make: Callable[[], SigningKey]) -> None:
        _lock()
        if not any(is_good(key) for key in _standing()):
            make().save()

    def _replace_all(self, new: SigningKey, notice: timedelta, overlap: timedelta, audit: AuditEntry) -> None:
        _lock()
        retirement = Now() + notice + overlap
        standing = SigningKey.objects.filter(Q(retires_at=None) | Q(retires_at__gt=retirement))
        new.signs_at = Now() + (notice if standing.exists() else timedelta())
        standing.update(retires_at=retirement)
        new.save()
        self._record_audit(replace(audit, target_id=new.pk, after={**audit.after, "kid": new.kid}))


@prepared
def _standing_keys() -> QuerySet[SigningKey]:
    return _standing().order_by("-id")


def _standing() -> QuerySet[SigningKey]:
    return SigningKey.objects.filter(Q(retires_at=None) | Q(retires_at__gt=Now()))


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
