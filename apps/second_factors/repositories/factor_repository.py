"""Reads and removes an account's second factors as a whole."""

from collections.abc import Callable
from typing import NamedTuple

from django.db.models import Max

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.database.statements import fetch_rows
from apps.core.database.transactions import run_in_transaction
from apps.core.errors import NotFound
from apps.second_factors.models import FactorAttempt, Passkey, RecoveryCode, TotpDevice
from apps.second_factors.repositories.factor_changes import SQL, FactorChanges
from apps.users.domain.security_notice import SecurityNotice

EndSessions = Callable[[int], None]


class FactorCounts(NamedTuple):
    """What an account has."""

    has_totp: bool
    has_passkey: bool
    recovery_codes_left: int

    @property
    def has_factor(self) -> bool:
        """Whether there is a second factor; recovery codes only stand in for one."""
        return self.has_totp or self.has_passkey


class FactorRepository:
    """The rows of all kinds of factors. Lock order: the account first."""

    def __init__(self, changes: FactorChanges, end_sessions: EndSessions) -> None:
        self._changes = changes
        self._end_sessions = end_sessions

    async def counts(self, user_id: int) -> FactorCounts:
        """Return what the account has."""
        return FactorCounts(*(await fetch_rows(SQL["kinds"], {"user": user_id}))[0])

    def has_one(self, user_id: int) -> bool:
        """Return whether the account has a second factor, in the transaction open on this thread."""
        return self._changes.has_factor(user_id)

    async def replace_recovery_codes(self, user_id: int, digests: list[bytes], audit: AuditEntry) -> None:
        """Remove the account's codes, used or not, insert these, and tell the owner."""
        await run_in_transaction(self._replace_recovery_codes, user_id, digests, audit)

    async def reset(self, user_id: int, audit: AuditEntry) -> None:
        """Remove every factor of the account and end its sessions; raises NotFound."""
        await run_in_transaction(self._reset, user_id, audit)

    def erase(self, user_id: int) -> None:
        """Remove everything about the account's factors in the transaction open on this thread; it is locked there."""
        FactorAttempt.objects.filter(user_id=user_id).delete()
        TotpDevice.objects.filter(user_id=user_id).delete()
        RecoveryCode.objects.filter(user_id=user_id).delete()
        Passkey.objects.filter(user_id=user_id).delete()

    def _replace_recovery_codes(self, user_id: int, digests: list[bytes], audit: AuditEntry) -> None:
        self._changes.lock_account(user_id)
        RecoveryCode.objects.filter(user_id=user_id).delete()
        self._changes.add_recovery_codes(user_id, digests)
        newest = RecoveryCode.objects.filter(user_id=user_id).aggregate(newest=Max("id"))["newest"]
        self._changes.tell(user_id, SecurityNotice.RECOVERY_CODES_RENEWED, f"recovery_codes:{newest}", audit)

    def _reset(self, user_id: int, audit: AuditEntry) -> None:
        self._changes.lock_account(user_id)
        totp = TotpDevice.objects.filter(user_id=user_id, confirmed_at__isnull=False).aggregate(newest=Max("id"))
        passkeys = Passkey.objects.filter(user_id=user_id).aggregate(newest=Max("id"))
        if not totp["newest"] and not passkeys["newest"]:
            raise NotFound("The account has no second factor.")
        self.erase(user_id)
        self._end_sessions(user_id)
        key = f"{user_id}:{totp['newest']}:{passkeys['newest']}"
        self._changes.tell(user_id, SecurityNotice.SECOND_FACTORS_RESET, key, audit)
