"""Replaces recovery codes, and resets the second factors of an account."""

import secrets

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import SECURITY_WRITE
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.errors import NotFound
from apps.idempotency.services.in_transaction.idempotent_responses import IdempotentRequest, IdempotentResponses
from apps.second_factors.repositories.factor_repository import FactorRepository
from apps.second_factors.repositories.recovery_code_repository import RecoveryCodeRepository
from apps.second_factors.schemas.second_factor import RecoveryCodesOut, SecondFactorsReset
from apps.second_factors.services.codes import digest_of, new_codes
from apps.second_factors.services.factor_rights import FactorRights
from apps.second_factors.services.second_factors import kinds_in
from apps.users.services.in_transaction.account_credentials import AccountCredentials
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.in_transaction.security_notifier import SecurityNotice, SecurityNotifier

KEY_BYTES = 8


class FactorRecovery:
    """Replaces recovery codes, and removes all factors of an owner who has lost them."""

    def __init__(
        self,
        rights: FactorRights,
        accounts: Accounts,
        factors: FactorRepository,
        recovery_codes: RecoveryCodeRepository,
        *,
        credentials: AccountCredentials,
        audit: AuditTrail,
        notifier: SecurityNotifier,
        responses: IdempotentResponses,
    ) -> None:
        self._rights = rights
        self._accounts = accounts
        self._factors = factors
        self._recovery_codes = recovery_codes
        self._credentials = credentials
        self._audit = audit
        self._notifier = notifier
        self._responses = responses

    async def renew_recovery_codes(self, actor: Principal, idempotency_key: str | None = None) -> RecoveryCodesOut:
        """Replace the caller's recovery codes and return the new ones.

        Raises StepUpRequired, NotAllowed, NotFound if the account has no second factor, and as
        `IdempotentResponses.find`.
        """
        user_id, codes = await self._rights.require_recent_authentication(actor), new_codes()
        request = IdempotentRequest.of(actor, idempotency_key, "renew recovery codes")
        renewed = RecoveryCodesOut(recovery_codes=codes)
        async with transaction():
            first = await self._responses.find(request)
            if first is not None:
                return RecoveryCodesOut.model_validate_json(first)
            await self._accounts.lock(user_id)
            if not (await self._factors.counts(user_id)).has_factor:
                raise NotFound("The account has no second factor.")
            await self._recovery_codes.delete_all(user_id)
            newest = await self._recovery_codes.insert_all(user_id, [digest_of(code) for code in codes])
            await self._audit.record(AuditEntry(actor, "recovery_codes.renewed", "user", user_id))
            key = f"recovery_codes:{newest}"
            await self._notifier.notify(user_id, SecurityNotice.RECOVERY_CODES_RENEWED, key, actor)
            await self._responses.store(request, renewed.model_dump_json().encode())
        return renewed

    async def reset(self, actor: Principal, user_id: int) -> SecondFactorsReset:
        """Remove every factor of the account, end its sessions, and return the removed factors.

        Raises NotAllowed for API keys, InsufficientScopes, StepUpRequired, and NotFound when there is nothing.
        """
        await self._rights.require_staff_in_person(actor)
        async with transaction():
            await self._accounts.lock_for(actor, user_id, SECURITY_WRITE)
            counts = await self._factors.counts(user_id)
            if not counts.has_factor:
                raise NotFound("The account has no second factor.")
            await self._factors.delete_all(user_id)
            await self._credentials.end_sessions(user_id)
            await self._audit.record(AuditEntry(actor, "second_factors.reset", "user", user_id))
            key = f"{user_id}:{secrets.token_hex(KEY_BYTES)}"
            await self._notifier.notify(user_id, SecurityNotice.SECOND_FACTORS_RESET, key, actor)
        return SecondFactorsReset(user_id=user_id, removed=list(kinds_in(counts)))
