"""Verifies codes, and locks out clients that guess them."""

from typing import NamedTuple, NoReturn

from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import Principal, owner_of
from apps.core.errors import LockedOut
from apps.core.request_context import current_request
from apps.core.values.ip_addresses import rate_limit_subject
from apps.second_factors.domain.presented_factors import CodeAttempt
from apps.second_factors.repositories.factor_attempt_repository import ALL_ADDRESSES, FactorAttemptRepository
from apps.second_factors.repositories.recovery_code_repository import RecoveryCodeRepository
from apps.second_factors.repositories.totp_repository import StoredSecret, TotpRepository
from apps.second_factors.services.codes import digest_of, matching_step_of_stored, six_digits_of
from apps.users.services.in_transaction.security_notifier import SecurityNotice, SecurityNotifier

PAIR_MAXIMUM = 4  # consecutive wrong codes before a lock
ACCOUNT_MAXIMUM = 50  # wrong six-digit codes within a day, from all addresses


class _Counted(NamedTuple):
    """The counts after an attempt: consecutive codes from its address, and six-digit ones of the account in a day."""

    consecutive: int
    of_account: int = 0


class CodeVerification:
    """Verifies and spends codes in the caller's transaction, which has locked the account.

    Each code is counted before it is verified: five wrong ones lock the pair of account and client address for growing
    times, and fifty within a day lock six-digit codes of the account for all addresses. A wrong code is recorded, so
    the caller must not roll back. Raises LockedOut while locked, without counting or recording.
    """

    def __init__(
        self,
        attempts: FactorAttemptRepository,
        devices: TotpRepository,
        recovery_codes: RecoveryCodeRepository,
        audit: AuditTrail,
        notifier: SecurityNotifier,
    ) -> None:
        self._attempts = attempts
        self._devices = devices
        self._recovery_codes = recovery_codes
        self._audit = audit
        self._notifier = notifier

    async def verify(self, attempt: CodeAttempt, actor: Principal) -> bool:
        """Return whether the code is valid: from the account's authenticator app, or an unused recovery code."""
        if attempt.digits is None:
            return await self._verify_recovery_code(attempt, actor)
        counted = await self._count_digits(attempt)
        secret = await self._devices.find_confirmed_secret(attempt.user_id)
        return await self._verify_digits(attempt, secret, counted, actor)

    async def verify_first(self, attempt: CodeAttempt, secret: StoredSecret, actor: Principal) -> bool:
        """Return whether the code is valid for an unconfirmed secret."""
        return await self._verify_digits(attempt, secret, await self._count_digits(attempt), actor)

    async def _verify_recovery_code(self, attempt: CodeAttempt, actor: Principal) -> bool:
        user_id = attempt.user_id
        consecutive = await self._attempts.count(user_id, attempt.client_address)
        if not consecutive:
            await self._refuse_locked(attempt)
        code_id = await self._recovery_codes.spend(user_id, attempt.recovery_digest)
        if code_id is None:
            await self._record_wrong(attempt, _Counted(consecutive), actor)
            return False
        await self._audit.record(AuditEntry(owner_of(user_id), "recovery_code.used", "user", user_id))
        await self._notifier.notify(user_id, SecurityNotice.RECOVERY_CODE_USED, f"recovery_code:{code_id}")
        await self._attempts.delete(user_id, attempt.client_address)
        return True

    async def _count_digits(self, attempt: CodeAttempt) -> _Counted:
        seconds = await self._attempts.locked_seconds(attempt.user_id, ALL_ADDRESSES)
        if seconds:
            _refuse_for(seconds)
        consecutive = await self._attempts.count(attempt.user_id, attempt.client_address)
        if not consecutive:
            await self._refuse_locked(attempt)
        return _Counted(consecutive, await self._attempts.count_of_account(attempt.user_id, ACCOUNT_MAXIMUM))

    async def _verify_digits(
        self, attempt: CodeAttempt, secret: StoredSecret | None, counted: _Counted, actor: Principal
    ) -> bool:
        if secret is None or not await self._is_accepted(secret, attempt.digits or ""):
            await self._record_wrong(attempt, counted, actor)
            return False
        await self._attempts.uncount_of_account(attempt.user_id)
        await self._attempts.delete(attempt.user_id, attempt.client_address)
        return True

    async def _is_accepted(self, secret: StoredSecret, digits: str) -> bool:
        step = matching_step_of_stored(bytes(secret.encrypted), digits, secret.now)
        return step is not None and await self._devices.accept_step(secret.device_id, step)

    async def _record_wrong(self, attempt: CodeAttempt, counted: _Counted, actor: Principal) -> None:
        user_id = attempt.user_id
        await self._audit.record(_failure(actor, "second_factor.refused", user_id))
        if counted.of_account >= ACCOUNT_MAXIMUM:
            await self._audit.record(_failure(actor, "account.locked", user_id, locks_out="everybody"))
            key = f"codes:{user_id}:{await self._attempts.account_locked_until(user_id)}"
            await self._notifier.notify(user_id, SecurityNotice.CODES_GUESSED, key)
        elif counted.consecutive > PAIR_MAXIMUM:
            await self._audit.record(_failure(actor, "account.locked", user_id, locks_out="client"))

    async def _refuse_locked(self, attempt: CodeAttempt) -> NoReturn:
        _refuse_for(await self._attempts.locked_seconds(attempt.user_id, attempt.client_address) or 1)


def attempt_of(user_id: int, code: str) -> CodeAttempt:
    """Return the attempt for a code in the current request."""
    address = rate_limit_subject(current_request().client_address)
    return CodeAttempt(user_id, address, six_digits_of(code), digest_of(code))


def _refuse_for(seconds: int) -> NoReturn:
    raise LockedOut("Too many wrong codes.", retry_after_seconds=seconds)


def _failure(actor: Principal, action: str, user_id: int, **after: str) -> AuditEntry:
    return AuditEntry(actor, action, "user", user_id, after=after, outcome=Outcome.FAILURE)
