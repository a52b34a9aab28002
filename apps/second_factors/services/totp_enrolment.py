"""Adds, confirms and removes authenticator apps."""

import orjson

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.authorization.principal import Principal
from apps.core.crypto.passwords import run_in_hashing_thread
from apps.core.database.transaction import transaction
from apps.core.errors import NotFound, WrongCode
from apps.idempotency.services.in_transaction.idempotent_responses import IdempotentRequest, IdempotentResponses
from apps.second_factors.repositories.totp_repository import TotpRepository
from apps.second_factors.schemas.second_factor import RecoveryCodesOut
from apps.second_factors.schemas.totp_device import TotpSecret
from apps.second_factors.services.codes import encrypt_secret, new_secret, otpauth_uri, qr_code
from apps.second_factors.services.factor_rights import FactorRights
from apps.second_factors.services.in_transaction.account_factors import FactorChanges, FactorSet
from apps.second_factors.services.in_transaction.code_verification import CodeVerification, attempt_of
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.in_transaction.security_notifier import SecurityNotice

KIND = {"kind": "totp"}
CODES = "recovery_codes"


class TotpEnrolment:
    """Adds authenticator apps. An app is a second factor once a first code has confirmed it."""

    def __init__(
        self,
        devices: TotpRepository,
        rights: FactorRights,
        accounts: Accounts,
        factors: FactorSet,
        codes: CodeVerification,
        *,
        changes: FactorChanges,
        responses: IdempotentResponses,
        issuer: str,
    ) -> None:
        self._devices = devices
        self._rights = rights
        self._accounts = accounts
        self._factors = factors
        self._codes = codes
        self._changes = changes
        self._responses = responses
        self._issuer = issuer

    async def begin(self, actor: Principal, idempotency_key: str | None = None) -> TotpSecret:
        """Create and return a secret to confirm within 15 minutes; the confirmed one stays valid.

        Raises as `FactorRights.require_may_enrol` and `IdempotentResponses.find` do.
        """
        request = IdempotentRequest.of(actor, idempotency_key, "begin TOTP")
        account, secret = await self._rights.require_may_enrol(actor), new_secret()
        uri = otpauth_uri(secret, account.email, self._issuer)
        image = await run_in_hashing_thread(qr_code, uri)
        begun = TotpSecret(secret=secret, otpauth_uri=uri, qr_code=image)
        async with transaction():
            first = await self._responses.find(request)
            if first is not None:
                return TotpSecret.model_validate_json(first)
            await self._accounts.lock(account.user_id)
            await self._devices.delete_unconfirmed(account.user_id)
            await self._devices.insert_unconfirmed(account.user_id, encrypt_secret(secret))
            await self._responses.store(request, begun.model_dump_json().encode())
        return begun

    async def confirm(self, actor: Principal, code: str, idempotency_key: str | None = None) -> RecoveryCodesOut:
        """Confirm the new secret by its first code, in place of an earlier one; return recovery codes if there are
        none.

        Raises StepUpRequired, NotAllowed, NotFound when no secret awaits a code, WrongCode, TooManyRequests while codes
        of the account are locked, and as `IdempotentResponses.find` does.
        """
        user_id = await self._rights.require_recent_authentication(actor)
        request = IdempotentRequest.of(actor, idempotency_key, "confirm TOTP", code)
        async with transaction():
            first = await self._responses.find(request)
            if first is not None:
                return RecoveryCodesOut.model_validate_json(first)
            await self._accounts.lock(user_id)
            secret = await self._devices.find_unconfirmed_secret(user_id)
            if secret is None:
                raise NotFound("No authenticator app is waiting for confirmation. Add the app again.")
            codes = None
            if await self._codes.verify_first(attempt_of(user_id, code), secret, actor):
                codes = await self._confirm(actor, user_id, secret.device_id)
                await self._responses.store(request, orjson.dumps({CODES: codes}))
        if codes is None:  # raised here, so that the count and the audit event of a wrong code are committed
            raise WrongCode
        return RecoveryCodesOut(recovery_codes=codes)

    async def remove(self, actor: Principal) -> None:
        """Remove the account's authenticator app; raises StepUpRequired, NotAllowed, NotFound."""
        user_id = await self._rights.require_recent_authentication(actor)
        async with transaction():
            await self._accounts.lock(user_id)
            device = await self._devices.find_confirmed(user_id)
            if device is None:
                raise NotFound
            await self._devices.delete_confirmed(user_id)
            await self._factors.drop_recovery_codes_after_last(user_id)
            entry = AuditEntry(actor, "second_factor.removed", "user", user_id, before=KIND)
            await self._changes.record(entry, SecurityNotice.SECOND_FACTOR_REMOVED, f"totp:{device.pk}")

    async def _confirm(self, actor: Principal, user_id: int, device_id: int) -> list[str]:
        await self._factors.require_reauthentication_before_first(user_id)
        await self._devices.delete_confirmed(user_id)
        await self._devices.confirm(device_id)
        codes = await self._factors.issue_first_recovery_codes(user_id)
        entry = AuditEntry(actor, "second_factor.added", "user", user_id, after=KIND)
        await self._changes.record(entry, SecurityNotice.SECOND_FACTOR_ADDED, f"totp:{device_id}")
        return codes
