"""Judges the codes that people type, and uses them up."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.database.transactions import run_in_transaction, run_statement
from apps.second_factors.repositories.factor_attempt_repository import (
    ACCOUNT_MAXIMUM,
    PAIR_MAXIMUM,
    FactorAttemptRepository,
)
from apps.second_factors.repositories.factor_changes import SQL, FactorChanges
from apps.users.domain.security_notice import SecurityNotice

# Returns the time step of a code of this (encrypted) secret at this moment (Unix seconds), or None.
MatchStep = Callable[[bytes, str, int], int | None]


@dataclass(frozen=True, slots=True)
class Guess:
    """A code for an account: six digits, or else the digest of a recovery code."""

    user_id: int
    client_address: str
    digits: str | None = field(default=None, repr=False)
    recovery_digest: bytes | None = field(default=None, repr=False)


class Judgement(NamedTuple):
    """Whether the code was right, and is used up now; or for how long none is judged."""

    is_right: bool
    locked_seconds: int = 0


class CodeRepository:
    """Each code is counted, judged and used up in one transaction, in which its account is locked."""

    def __init__(self, changes: FactorChanges, attempts: FactorAttemptRepository, match_step: MatchStep) -> None:
        self._changes = changes
        self._attempts = attempts
        self._match_step = match_step

    async def judge(self, guess: Guess, refused: AuditEntry, recovery_used: AuditEntry) -> Judgement:
        """Judge a code and write the entry that tells of it; raises NotFound when there is no such account."""
        return await run_in_transaction(self._judge, guess, refused, recovery_used)

    def _judge(self, guess: Guess, refused: AuditEntry, recovery_used: AuditEntry) -> Judgement:
        self._changes.lock_account(guess.user_id)
        if guess.digits is None:
            return self._judge_recovery_code(guess, refused, recovery_used)
        return self.judge_digits(guess, refused, SQL["totp_device"])

    def judge_digits(self, guess: Guess, refused: AuditEntry, device_sql: str) -> Judgement:
        """Judge six digits by the device that the statement finds, in the open transaction; the account is locked."""
        seconds = self._attempts.locked_seconds_everywhere(guess.user_id)
        in_a_row = 0 if seconds else self._attempts.count(guess.user_id, guess.client_address)
        if not in_a_row:
            return self._locked(guess, seconds)
        total = self._attempts.count_everywhere(guess.user_id)
        if self._accepts(guess, device_sql):
            self._attempts.give_back_everywhere(guess.user_id)
            return self._right(guess)
        return self._wrong(guess, refused, in_a_row, total)

    def _judge_recovery_code(self, guess: Guess, refused: AuditEntry, recovery_used: AuditEntry) -> Judgement:
        in_a_row = self._attempts.count(guess.user_id, guess.client_address)
        if not in_a_row:
            return self._locked(guess)
        spent = run_statement(SQL["spend_recovery_code"], [guess.user_id, guess.recovery_digest])
        if not spent:
            return self._wrong(guess, refused, in_a_row)
        key = f"recovery_code:{spent[0][0]}"
        self._changes.tell(guess.user_id, SecurityNotice.RECOVERY_CODE_USED, key, recovery_used)
        return self._right(guess)

    def _locked(self, guess: Guess, seconds: int = 0) -> Judgement:
        seconds = seconds or self._attempts.locked_seconds(guess.user_id, guess.client_address) or 1
        return Judgement(is_right=False, locked_seconds=seconds)

    def _accepts(self, guess: Guess, device_sql: str) -> bool:
        found = run_statement(device_sql, [guess.user_id])
        if not found or guess.digits is None:
            return False
        device_id, secret_encrypted, moment = found[0]
        step = self._match_step(bytes(secret_encrypted), guess.digits, moment)
        return step is not None and bool(run_statement(SQL["accept_step"], {"id": device_id, "step": step}))

    def _right(self, guess: Guess) -> Judgement:
        self._attempts.forgive(guess.user_id, guess.client_address)
        return Judgement(is_right=True)

    def _wrong(self, guess: Guess, refused: AuditEntry, in_a_row: int, total: int = 0) -> Judgement:
        self._changes.record_audit(refused)
        locks = replace(refused, action="account.locked", after={"locks_out": "client"})
        if total >= ACCOUNT_MAXIMUM:
            key, locks = self._attempts.lock_key(guess.user_id), replace(locks, after={"locks_out": "everybody"})
            self._changes.tell(guess.user_id, SecurityNotice.CODES_GUESSED, key, locks)
        elif in_a_row > PAIR_MAXIMUM:
            self._changes.record_audit(locks)
        return Judgement(is_right=False)
