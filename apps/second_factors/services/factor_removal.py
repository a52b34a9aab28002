"""Removes a single second factor of an account whose owner has lost it."""

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import SECURITY_WRITE
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.errors import NotFound
from apps.second_factors.repositories.passkey_repository import PasskeyRepository
from apps.second_factors.repositories.totp_repository import TotpRepository
from apps.second_factors.services.factor_rights import FactorRights
from apps.second_factors.services.in_transaction.account_factors import FactorSet
from apps.users.services.in_transaction.account_credentials import AccountCredentials
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.in_transaction.security_notifier import SecurityNotice, SecurityNotifier

REMOVED = "second_factor.removed"


class FactorRemoval:
    """Removes one factor of another's account, for staff. The other factors stay, and with them the recovery codes.

    As when all are removed, the sessions of the account end: they may be on the device that is lost.
    """

    def __init__(
        self,
        rights: FactorRights,
        accounts: Accounts,
        devices: TotpRepository,
        passkeys: PasskeyRepository,
        factors: FactorSet,
        *,
        credentials: AccountCredentials,
        audit: AuditTrail,
        notifier: SecurityNotifier,
    ) -> None:
        self._rights = rights
        self._accounts = accounts
        self._devices = devices
        self._passkeys = passkeys
        self._factors = factors
        self._credentials = credentials
        self._audit = audit
        self._notifier = notifier

    async def remove_totp(self, actor: Principal, user_id: int) -> None:
        """Remove the authenticator app of the account.

        Raises NotAllowed for API keys, InsufficientScopes, StepUpRequired, NotFound.
        """
        await self._rights.require_staff_in_person(actor)
        async with transaction():
            await self._accounts.lock_for(actor, user_id, SECURITY_WRITE)
            device = await self._devices.find_confirmed(user_id)
            if device is None:
                raise NotFound("The account has no authenticator app.")
            await self._devices.delete_confirmed(user_id)
            entry = AuditEntry(actor, REMOVED, "user", user_id, before={"kind": "totp"})
            await self._complete(entry, user_id, f"totp:{device.pk}")

    async def remove_passkey(self, actor: Principal, user_id: int, passkey_id: int) -> None:
        """Remove a passkey of the account; raises as `remove_totp` does."""
        await self._rights.require_staff_in_person(actor)
        async with transaction():
            await self._accounts.lock_for(actor, user_id, SECURITY_WRITE)
            passkey = await self._passkeys.lock(user_id, passkey_id)
            await self._passkeys.delete(passkey)
            before = {"kind": "passkey", "name": passkey.name}
            entry = AuditEntry(actor, REMOVED, "passkey", passkey_id, before=before, subject_id=user_id)
            await self._complete(entry, user_id, f"passkey:{passkey_id}")

    async def _complete(self, entry: AuditEntry, user_id: int, key: str) -> None:
        """Delete the recovery codes after the last factor, end the sessions, and record and report the removal."""
        await self._factors.drop_recovery_codes_after_last(user_id)
        await self._credentials.end_sessions(user_id)
        await self._audit.record(entry)
        await self._notifier.notify(user_id, SecurityNotice.SECOND_FACTOR_REMOVED, key, entry.actor)
