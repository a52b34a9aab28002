"""Registers, renames and removes passkeys."""

import secrets
from base64 import urlsafe_b64encode

from webauthn.helpers import base64url_to_bytes

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.authorization.principal import Principal
from apps.core.crypto.passwords import run_in_hashing_thread
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict, ValidationFailed
from apps.idempotency.services.in_transaction.idempotent_responses import IdempotentRequest, IdempotentResponses
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.second_factors.domain.presented_factors import NewCredential
from apps.second_factors.models import Passkey
from apps.second_factors.repositories.passkey_repository import PasskeyRepository
from apps.second_factors.schemas.passkey import PasskeyAdded, PasskeyOptions, PasskeyOut, PasskeyRegistration
from apps.second_factors.services.factor_rights import FactorRights
from apps.second_factors.services.in_transaction.account_factors import FactorChanges, FactorSet
from apps.second_factors.services.relying_party import CredentialRefused, Owner, RelyingParty, options_json
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.in_transaction.security_notifier import SecurityNotice

HANDLE_BYTES = 32
PASSKEYS_MAXIMUM = 20  # per account


class PasskeyEnrolment:
    """Registers passkeys of accounts, renames and removes them."""

    def __init__(
        self,
        passkeys: PasskeyRepository,
        rights: FactorRights,
        party: RelyingParty,
        challenges: OneTimeTokens,
        *,
        accounts: Accounts,
        factors: FactorSet,
        changes: FactorChanges,
        responses: IdempotentResponses,
    ) -> None:
        self._passkeys = passkeys
        self._rights = rights
        self._party = party
        self._challenges = challenges
        self._accounts = accounts
        self._factors = factors
        self._changes = changes
        self._responses = responses

    async def options(self, actor: Principal) -> PasskeyOptions:
        """Return the browser's options for a new passkey; raises as `FactorRights.require_may_enrol` does."""
        account = await self._rights.require_may_enrol(actor)
        registered = await self._passkeys.of_user(account.user_id)
        # All passkeys of an account have one handle, so that an authenticator keeps only one of them.
        handle = bytes(registered[0].user_handle) if registered else secrets.token_bytes(HANDLE_BYTES)
        data = {"user_handle": urlsafe_b64encode(handle).decode()}
        challenge = await self._challenges.issue_another(account.user_id, data)
        owner = Owner(handle, account.email, account.full_name or account.username)
        options = self._party.creation_options(challenge, owner, registered)
        return PasskeyOptions(
            challenge=challenge, options=options_json(options), expires_in=self._challenges.ttl_seconds
        )

    async def add(
        self, actor: Principal, registration: PasskeyRegistration, idempotency_key: str | None = None
    ) -> PasskeyAdded:
        """Register a new passkey and return it, with recovery codes if the account has none.

        The response is kept under the idempotency key; a retry is refused, because its challenge is used.
        Raises StepUpRequired, NotAllowed, ValidationFailed for an invalid response to the challenge, and Conflict when
        the passkey is already registered or the account has too many.
        """
        user_id = await self._rights.require_recent_authentication(actor)
        passkey = await self._read(user_id, registration)
        request = IdempotentRequest.of(actor, idempotency_key, "add passkey", registration.challenge)
        async with transaction():
            await self._accounts.lock(user_id)
            if await self._passkeys.count(user_id) >= PASSKEYS_MAXIMUM:
                raise Conflict(f"An account can have up to {PASSKEYS_MAXIMUM} passkeys. Remove one first.")
            await self._factors.require_reauthentication_before_first(user_id)
            added = await self._passkeys.insert(passkey)
            codes = await self._factors.issue_first_recovery_codes(user_id)
            after = {"kind": "passkey", "name": added.name, "aaguid": str(added.aaguid)}
            entry = AuditEntry(actor, "second_factor.added", "passkey", added.pk, after=after, subject_id=user_id)
            await self._changes.record(entry, SecurityNotice.SECOND_FACTOR_ADDED, f"passkey:{added.pk}")
            response = PasskeyAdded(passkey=PasskeyOut.of(added), recovery_codes=codes)
            await self._responses.store(request, response.model_dump_json().encode())
        return response

    async def rename(self, actor: Principal, passkey_id: int, name: str) -> PasskeyOut:
        """Change the name of one of the caller's passkeys; raises NotAllowed, NotFound."""
        actor.require_session()
        async with transaction():
            passkey = await self._passkeys.lock(actor.owner_id, passkey_id)
            before, after = {"name": passkey.name}, {"name": name}
            await self._passkeys.rename(passkey, name)
            await self._changes.record(AuditEntry(actor, "passkey.renamed", "passkey", passkey_id, before, after))
        return PasskeyOut.of(passkey)

    async def remove(self, actor: Principal, passkey_id: int) -> None:
        """Remove one of the caller's passkeys; raises StepUpRequired, NotAllowed, NotFound."""
        user_id = await self._rights.require_recent_authentication(actor)
        async with transaction():
            await self._accounts.lock(user_id)
            passkey = await self._passkeys.lock(user_id, passkey_id)
            await self._passkeys.delete(passkey)
            await self._factors.drop_recovery_codes_after_last(user_id)
            before = {"kind": "passkey", "name": passkey.name}
            entry = AuditEntry(actor, "second_factor.removed", "passkey", passkey_id, before=before)
            await self._changes.record(entry, SecurityNotice.SECOND_FACTOR_REMOVED, f"passkey:{passkey_id}")

    async def _read(self, user_id: int, registration: PasskeyRegistration) -> Passkey:
        challenge = await self._challenges.spend(registration.challenge)
        if challenge is None or challenge.user_id != user_id:
            raise ValidationFailed.of(
                "challenge", "must be an unused challenge that has not expired. Request new options."
            )
        try:
            new = await run_in_hashing_thread(
                self._party.read_attestation, registration.credential, registration.challenge
            )
        except CredentialRefused as error:
            raise ValidationFailed.of("credential", "must be a passkey's valid response to the challenge") from error
        handle = base64url_to_bytes(challenge.data["user_handle"])
        return _passkey(user_id, handle, registration, new)


def _passkey(user_id: int, handle: bytes, registration: PasskeyRegistration, new: NewCredential) -> Passkey:
    return Passkey(
        user_id=user_id,
        user_handle=handle,
        name=registration.name,
        transports=registration.credential.response.transports,
        **{column: getattr(new, column) for column in new.__slots__},
    )
