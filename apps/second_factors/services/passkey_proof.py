"""Proving oneself with a passkey."""

from dataclasses import dataclass

from webauthn.helpers import base64url_to_bytes

from apps.audit.domain.audit_entry import AuditEntry, NoteAudit, Outcome
from apps.core.authorization.authentication_methods import HARDWARE_KEY, SOFTWARE_KEY, USER
from apps.core.authorization.principal import ANONYMOUS
from apps.core.crypto.passwords import run_in_hashing_thread
from apps.core.errors import NotFound
from apps.one_time_tokens.services.old_one_time_tokens import OneTimeTokens
from apps.second_factors.models import Passkey
from apps.second_factors.repositories.passkey_repository import PasskeyRepository, PasskeyUse
from apps.second_factors.schemas.passkey import AssertionCredential, PasskeyAssertion, PasskeyOptions
from apps.second_factors.services.relying_party import Assertion, CredentialRefused, RelyingParty, options_json


@dataclass(frozen=True, slots=True)
class PasskeyProven:
    """Whose passkey it was, and what was shown with it (RFC 8176)."""

    user_id: int
    methods: tuple[str, ...]


class PasskeyProof:
    """Asks for a passkey for one purpose, and judges the answer.

    The challenge is a one-time token, good for this purpose and this account. With `is_passwordless`, the passkey is
    the only proof: the authenticator must have checked its user, and must name the account itself.
    """

    def __init__(
        self,
        passkeys: PasskeyRepository,
        party: RelyingParty,
        challenges: OneTimeTokens,
        note: NoteAudit,
        *,
        is_passwordless: bool,
    ) -> None:
        self._passkeys = passkeys
        self._party = party
        self._challenges = challenges
        self._note = note
        self._is_passwordless = is_passwordless

    async def ask(self, user_id: int | None) -> PasskeyOptions:
        """Return what to ask the browser: for a passkey of this account, or for anybody's."""
        known = [] if user_id is None else await self._passkeys.of_user(user_id)
        challenge = await self._challenges.issue_alone(user_id)
        options = self._party.request_options(challenge, known, must_verify_user=self._is_passwordless)
        return PasskeyOptions(
            challenge=challenge, options=options_json(options), expires_in=self._challenges.ttl_seconds
        )

    async def judge(self, assertion: PasskeyAssertion, user_id: int | None) -> PasskeyProven | None:
        """Return whose passkey it is, None when it is refused; the challenge is spent either way.

        With `user_id` it has to be this account's. A counter that does not grow is refused: somebody has copied it.
        """
        challenge = await self._challenges.spend_alone(assertion.challenge)
        if challenge is None or challenge.user_id != user_id:
            return None
        passkey = await self._passkeys.find(base64url_to_bytes(assertion.credential.raw_id))
        if passkey is None or user_id not in (None, passkey.user_id):
            return None
        shown = await self._read(passkey, assertion)
        if shown is None:
            await self._note(_entry("passkey.refused", passkey))
            return None
        return _proven(passkey, shown) if await self._is_used(passkey, shown) else None

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

    async def _is_used(self, passkey: Passkey, shown: Assertion) -> bool:
        use = PasskeyUse(passkey.pk, passkey.user_id, shown.sign_count, shown.is_backed_up)
        try:
            return await self._passkeys.use(use, _entry("passkey.cloned", passkey))
        except NotFound:
            return False


def _proven(passkey: Passkey, shown: Assertion) -> PasskeyProven:
    kind = SOFTWARE_KEY if passkey.is_backup_eligible else HARDWARE_KEY
    return PasskeyProven(passkey.user_id, (kind, USER) if shown.is_user_verified else (kind,))


def _entry(action: str, passkey: Passkey) -> AuditEntry:
    return AuditEntry(ANONYMOUS, action, "passkey", passkey.pk, subject_id=passkey.user_id, outcome=Outcome.FAILURE)
