"""Passkeys: made, named, removed."""

import secrets
from base64 import urlsafe_b64encode

from webauthn.helpers import base64url_to_bytes

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.authorization.principal import Principal
from apps.core.crypto.passwords import run_in_hashing_thread
from apps.core.errors import ValidationFailed
from apps.one_time_tokens.services.old_one_time_tokens import OneTimeTokens
from apps.second_factors.models import Passkey
from apps.second_factors.repositories.passkey_repository import NewPasskey, PasskeyRepository
from apps.second_factors.schemas.passkey import PasskeyAdded, PasskeyOptions, PasskeyOut, PasskeyRegistration
from apps.second_factors.services.factor_rights import FactorRights
from apps.second_factors.services.recovery_code import digest_of, new_codes
from apps.second_factors.services.relying_party import CredentialRefused, Owner, RelyingParty, options_json
from apps.users.services.user_service import UserService

HANDLE_BYTES = 32


class PasskeyEnrolment:
    """Registers passkeys of accounts."""

    def __init__(
        self,
        passkeys: PasskeyRepository,
        users: UserService,
        rights: FactorRights,
        party: RelyingParty,
        challenges: OneTimeTokens,
    ) -> None:
        self._passkeys = passkeys
        self._users = users
        self._rights = rights
        self._party = party
        self._challenges = challenges

    async def ask(self, actor: Principal) -> PasskeyOptions:
        """Return what to ask the browser for a new passkey; raises as `FactorRights.require_enrolling` does."""
        user_id = await self._rights.require_enrolling(actor)
        account = await self._users.credentials(user_id)
        known = await self._passkeys.of_user(user_id)
        # One handle for all passkeys of an account, so that an authenticator keeps one of them.
        handle = bytes(known[0].user_handle) if known else secrets.token_bytes(HANDLE_BYTES)
        challenge = await self._challenges.issue_alone(user_id, {"user_handle": urlsafe_b64encode(handle).decode()})
        owner = Owner(handle, account.email, account.full_name or account.username)
        options = self._party.creation_options(challenge, owner, known)
        return PasskeyOptions(
            challenge=challenge, options=options_json(options), expires_in=self._challenges.ttl_seconds
        )

    async def add(self, actor: Principal, registration: PasskeyRegistration) -> PasskeyAdded:
        """Register the passkey that was made; returns recovery codes too if there are none.

        Raises StepUpRequired, NotAllowed, ValidationFailed for what does not answer the challenge, and Conflict when it
        is registered already or the account has too many.
        """
        user_id = await self._rights.require_fresh(actor)
        challenge = await self._challenges.spend_alone(registration.challenge)
        if challenge is None or challenge.user_id != user_id:
            raise ValidationFailed.of("challenge", "is not one of yours, or has been used, or is too old")
        passkey = Passkey(
            user_id=user_id,
            user_handle=base64url_to_bytes(challenge.data["user_handle"]),
            name=registration.name,
            transports=registration.credential.response.transports,
            **_columns(await self._read(registration)),
        )
        codes = new_codes()
        after = {"kind": "passkey", "name": passkey.name, "aaguid": str(passkey.aaguid)}
        audit = AuditEntry(actor, "second_factor.added", "passkey", subject_id=user_id, after=after)
        added, has_new_codes = await self._passkeys.add(passkey, [digest_of(code) for code in codes], audit)
        return PasskeyAdded(passkey=PasskeyOut.of(added), recovery_codes=codes if has_new_codes else [])

    async def rename(self, actor: Principal, passkey_id: int, name: str) -> PasskeyOut:
        """Give one of the caller's passkeys another name; raises NotAllowed, NotFound."""
        actor.require_session()
        audit = AuditEntry(actor, "passkey.renamed", "passkey", passkey_id)
        return PasskeyOut.of(await self._passkeys.rename(passkey_id, actor.owner_id, name, audit))

    async def remove(self, actor: Principal, passkey_id: int) -> None:
        """Remove one of the caller's passkeys; raises StepUpRequired, NotAllowed, NotFound."""
        user_id = await self._rights.require_fresh(actor)
        audit = AuditEntry(actor, "second_factor.removed", "passkey", passkey_id, before={"kind": "passkey"})
        await self._passkeys.remove(passkey_id, user_id, audit)

    async def _read(self, registration: PasskeyRegistration) -> NewPasskey:
        try:
            return await run_in_hashing_thread(
                self._party.read_attestation, registration.credential, registration.challenge
            )
        except CredentialRefused as error:
            raise ValidationFailed.of("credential", "does not answer the challenge as a passkey does") from error


def _columns(new: NewPasskey) -> dict[str, object]:
    return {name: getattr(new, name) for name in new.__slots__}
