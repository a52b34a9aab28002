"""Authenticates with passkeys."""

from dataclasses import dataclass

from webauthn.helpers import base64url_to_bytes

from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.authentication_methods import HARDWARE_KEY, SOFTWARE_KEY, USER
from apps.core.authorization.principal import ANONYMOUS
from apps.core.crypto.passwords import run_in_hashing_thread
from apps.core.database.transaction import transaction
from apps.core.errors import NotFound
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.second_factors.domain.presented_factors import Assertion
from apps.second_factors.models import Passkey
from apps.second_factors.repositories.passkey_repository import PasskeyRepository
from apps.second_factors.schemas.passkey import AssertionCredential, PasskeyAssertion, PasskeyOptions
from apps.second_factors.services.relying_party import CredentialRefused, RelyingParty, options_json
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.in_transaction.security_notifier import SecurityNotice, SecurityNotifier


@dataclass(frozen=True, slots=True)
class PasskeyAuthenticated:
    """The account of a passkey, and the authentication methods of its use (RFC 8176)."""

    user_id: int
    methods: tuple[str, ...]


class PasskeyAuthentication:
    """Requests a passkey for one purpose, and verifies the response.

    The challenge is a one-time token of this purpose and account. With `is_passwordless`, the passkey is the only
    authentication: the authenticator must have verified its user, and must name the account itself.
    """

    def __init__(
        self,
        passkeys: PasskeyRepository,
        party: RelyingParty,
        challenges: OneTimeTokens,
        accounts: Accounts,
        *,
        audit: AuditTrail,
        notifier: SecurityNotifier,
        is_passwordless: bool,
    ) -> None:
        self._passkeys = passkeys
        self._party = party
        self._challenges = challenges
        self._accounts = accounts
        self._audit = audit
        self._notifier = notifier
        self._is_passwordless = is_passwordless

    async def options(self, user_id: int | None) -> PasskeyOptions:
        """Return the browser's options for a passkey of this account, or of any account with None."""
        allowed = [] if user_id is None else await self._passkeys.of_user(user_id)
        challenge = await self._challenges.issue_another(user_id)
        options = self._party.request_options(challenge, allowed, must_verify_user=self._is_passwordless)
        return PasskeyOptions(
            challenge=challenge, options=options_json(options), expires_in=self._challenges.ttl_seconds
        )

    async def verify(self, assertion: PasskeyAssertion, user_id: int | None) -> PasskeyAuthenticated | None:
        """Return the account and methods of the passkey, or None when it is refused. Spends the challenge in any case.

        With `user_id` it must belong to this account. A passkey whose counter does not increase is refused: it has been
        copied, and its owner is notified.
        """
        challenge = await self._challenges.spend(assertion.challenge)
        if challenge is None or challenge.user_id != user_id:
            return None
        passkey = await self._passkeys.find(base64url_to_bytes(assertion.credential.raw_id))
        if passkey is None or user_id not in (None, passkey.user_id):
            return None
        shown = await self._read(passkey, assertion)
        if shown is None:
            await self._record_refusal(passkey)
            return None
        return _authenticated(passkey, shown) if await self._use(passkey, shown) else None

    async def _read(self, passkey: Passkey, assertion: PasskeyAssertion) -> Assertion | None:
        try:
            shown = await run_in_hashing_thread(
                self._party.read_assertion,
                assertion.credential,
                assertion.challenge,
                bytes(passkey.public_key),
                must_verify_user=self._is_passwordless,
            )
        except CredentialRefused:
            return None
        is_same = shown.is_backup_eligible == passkey.is_backup_eligible
        return shown if is_same and self._names_the_account(passkey, assertion.credential) else None

    def _names_the_account(self, passkey: Passkey, credential: AssertionCredential) -> bool:
        handle = credential.response.user_handle
        if handle is None:
            return not self._is_passwordless
        return base64url_to_bytes(handle) == bytes(passkey.user_handle)

    async def _use(self, passkey: Passkey, shown: Assertion) -> bool:
        """Store the use and return True, or False for a copied or removed passkey or a deleted account."""
        try:
            async with transaction():
                await self._accounts.lock(passkey.user_id)
                if await self._passkeys.use(passkey, shown):
                    return True
                await self._passkeys.lock(passkey.user_id, passkey.pk)
                await self._audit.record(_failure("passkey.cloned", passkey))
                key = f"passkey:{passkey.pk}:{shown.sign_count}"
                await self._notifier.notify(passkey.user_id, SecurityNotice.PASSKEY_CLONED, key)
        except NotFound:
            pass
        return False

    async def _record_refusal(self, passkey: Passkey) -> None:
        async with transaction():
            await self._audit.record(_failure("passkey.refused", passkey))


def _authenticated(passkey: Passkey, shown: Assertion) -> PasskeyAuthenticated:
    kind = SOFTWARE_KEY if passkey.is_backup_eligible else HARDWARE_KEY
    return PasskeyAuthenticated(passkey.user_id, (kind, USER) if shown.is_user_verified else (kind,))


def _failure(action: str, passkey: Passkey) -> AuditEntry:
    return AuditEntry(ANONYMOUS, action, "passkey", passkey.pk, subject_id=passkey.user_id, outcome=Outcome.FAILURE)
