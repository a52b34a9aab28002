"""Checks passwords, and locks out clients that guess them."""

from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.authentication.domain.session_rules import Authentication
from apps.authentication.repositories.login_attempt_repository import CountedWrong, LoginAttemptRepository
from apps.core.authorization.authentication_methods import PASSWORD
from apps.core.authorization.principal import ANONYMOUS
from apps.core.crypto.passwords import password_matches
from apps.core.database.transaction import transaction
from apps.core.errors import LockedOut, NotAuthenticated, WrongPassword
from apps.core.request_context import current_request
from apps.core.values.email_addresses import canonical_email
from apps.core.values.ip_addresses import rate_limit_subject
from apps.users.services.credentials import Credentials, password_digest
from apps.users.services.in_transaction.account_credentials import AccountCredentials


class WrongCredentials(NotAuthenticated):
    """No usable account has this e-mail address and this password."""

    code, message = "WRONG_CREDENTIALS", "The e-mail address or the password is wrong."


class PasswordCheck:
    """Checks passwords. Five wrong ones lock the pair of account and client address, each further one for longer.

    Concurrent correct passwords do not affect each other. Of concurrent wrong ones, only the allowed number get
    WrongCredentials; the others, and a correct one among them, get LockedOut.
    """

    def __init__(self, attempts: LoginAttemptRepository, accounts: AccountCredentials, audit: AuditTrail) -> None:
        self._attempts = attempts
        self._accounts = accounts
        self._audit = audit

    async def authenticate(self, email: str, password: str, *, staff_only: bool = False) -> Authentication:
        """Return the authentication of a usable account, with `staff_only` of staff only, if the password is correct.

        Raises WrongCredentials, or LockedOut. Any other account, and an address without an account, has the same
        errors, locks and duration as a wrong password.
        """
        address = canonical_email(email)
        account = await self._accounts.find_by_email(address)
        is_admitted = account is not None and account.is_usable and (account.is_staff or not staff_only)
        is_right = await self._is_right(address, password, account, is_admitted=is_admitted)
        if account is None or not is_right:
            raise WrongCredentials
        return Authentication(account.user_id, (PASSWORD,), password_digest(account.password_hash))

    async def require(self, account: Credentials, password: str) -> None:
        """Raise WrongPassword unless the password is the account's, or LockedOut."""
        if not await self._is_right(canonical_email(account.email), password, account, is_admitted=account.is_usable):
            raise WrongPassword

    async def _is_right(self, address: str, password: str, account: Credentials | None, *, is_admitted: bool) -> bool:
        pair = address, rate_limit_subject(current_request().client_address)
        _refuse_for(await self._attempts.locked_seconds(*pair))
        matches = await password_matches(password, account.password_hash if account else None)
        # Checked before it is counted: only attempts that the count allows get the outcome.
        if matches and is_admitted:
            _refuse_for(await self._attempts.count_right(*pair))
            return True
        counted = await self._attempts.count_wrong(*pair)
        await self._record_wrong(account, counted)
        _refuse_for(counted.locked_seconds)
        return False

    async def _record_wrong(self, account: Credentials | None, counted: CountedWrong) -> None:
        async with transaction():
            await self._audit.record(_entry("password.refused", account))
            if counted.locks_out is not None:
                await self._audit.record(_entry("account.locked", account, locks_out=counted.locks_out))


def _entry(action: str, account: Credentials | None, **after: str) -> AuditEntry:
    # Also recorded for an address without an account, so that it takes as long. The input, which may be a password, is
    # not recorded.
    user_id = account.user_id if account else None
    return AuditEntry(ANONYMOUS, action, "user", user_id, after=after, outcome=Outcome.FAILURE)


def _refuse_for(seconds: int) -> None:
    if seconds:
        raise LockedOut("Too many wrong passwords.", retry_after_seconds=seconds)
