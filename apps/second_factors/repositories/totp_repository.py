"""Reads and writes the programs that show codes."""

from datetime import timedelta
from typing import NamedTuple

from django.db.models import QuerySet
from django.db.models.functions import Now

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.transactions import run_in_transaction
from apps.core.errors import NotFound
from apps.second_factors.models import TotpDevice
from apps.second_factors.repositories.code_repository import CodeRepository, Guess, Judgement
from apps.second_factors.repositories.factor_changes import SQL, FactorChanges
from apps.users.domain.security_notice import SecurityNotice

WAITING = timedelta(minutes=15)


class Confirmation(NamedTuple):
    """What the first code of a program led to, and whether the recovery codes were stored."""

    judgement: Judgement
    has_new_codes: bool = False


class TotpRepository:
    """The programs' rows. Lock order: the account first."""

    def __init__(self, changes: FactorChanges, codes: CodeRepository) -> None:
        self._changes = changes
        self._codes = codes

    async def find(self, user_id: int) -> TotpDevice | None:
        """Return the account's confirmed program, or None."""
        return await _confirmed_of.first(user_id)

    async def begin(self, user_id: int, secret_encrypted: bytes) -> None:
        """Let a new secret wait for its first code, in place of one that waits; the confirmed one stays good."""
        await run_in_transaction(self._begin, user_id, secret_encrypted)

    async def confirm(
        self, guess: Guess, recovery_digests: list[bytes], refused: AuditEntry, audit: AuditEntry
    ) -> Confirmation:
        """Make the secret that waits the confirmed one, if the code is its own.

        The recovery codes are stored unless the account has some. Raises NotFound when none has begun to wait within
        WAITING.
        """
        return await run_in_transaction(self._confirm, guess, recovery_digests, refused, audit)

    async def remove(self, user_id: int, audit: AuditEntry) -> None:
        """Remove the confirmed program; raises NotFound."""
        await run_in_transaction(self._remove, user_id, audit)

    def _begin(self, user_id: int, secret_encrypted: bytes) -> None:
        self._changes.lock_account(user_id)
        _waiting(user_id).delete()
        TotpDevice.objects.create(user_id=user_id, secret_encrypted=secret_encrypted)

    def _confirm(
        self, guess: Guess, recovery_digests: list[bytes], refused: AuditEntry, audit: AuditEntry
    ) -> Confirmation:
        self._changes.lock_account(guess.user_id)
        waiting = _waiting(guess.user_id).filter(created_at__gt=Now() - WAITING).first()
        if waiting is None:
            raise NotFound("There is no secret that waits for a code.")
        judgement = self._codes.judge_digits(guess, refused, SQL["waiting_totp_device"])
        if not judgement.is_right:
            return Confirmation(judgement)
        self._changes.end_weak_proofs(guess.user_id)
        _confirmed(guess.user_id).delete()
        TotpDevice.objects.filter(pk=waiting.pk).update(confirmed_at=Now())
        has_new_codes = self._changes.add_recovery_codes(guess.user_id, recovery_digests)
        self._changes.tell(guess.user_id, SecurityNotice.SECOND_FACTOR_ADDED, f"totp:{waiting.pk}", audit)
        return Confirmation(judgement, has_new_codes)

    def _remove(self, user_id: int, audit: AuditEntry) -> None:
        self._changes.lock_account(user_id)
        device = _confirmed(user_id).first()
        if device is None:
            raise NotFound
        device_id = device.pk
        device.delete()
        self._changes.drop_recovery_codes_without_a_factor(user_id)
        self._changes.tell(user_id, SecurityNotice.SECOND_FACTOR_REMOVED, f"totp:{device_id}", audit)


@prepared
def _confirmed_of(user_id: int) -> QuerySet[TotpDevice]:
    return _confirmed(user_id)


def _confirmed(user_id: int) -> QuerySet[TotpDevice]:
    return TotpDevice.objects.filter(user_id=user_id, confirmed_at__isnull=False)


def _waiting(user_id: int) -> QuerySet[TotpDevice]:
    return TotpDevice.objects.filter(user_id=user_id, confirmed_at__isnull=True)
