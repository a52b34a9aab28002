"""An account's second factors as a whole, and the codes that people type."""

from typing import Any

from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.core.authorization.authentication_methods import ONE_TIME_CODE
from apps.core.authorization.principal import ANONYMOUS, Principal, owner_of
from apps.core.errors import NotFound
from apps.core.request_context import current_request
from apps.core.values.ip_addresses import limited_party
from apps.second_factors.repositories.code_repository import CodeRepository, Guess
from apps.second_factors.repositories.factor_repository import FactorRepository
from apps.second_factors.repositories.passkey_repository import PasskeyRepository
from apps.second_factors.repositories.totp_repository import TotpRepository
from apps.second_factors.schemas.passkey import PasskeyOut
from apps.second_factors.schemas.second_factor import FactorKind, RecoveryCodesOut, SecondFactorsOut, TotpOut
from apps.second_factors.services.factor_rights import FactorRights
from apps.second_factors.services.lockout import refuse_for
from apps.second_factors.services.recovery_code import digest_of, new_codes, six_digits_of
from apps.users.services.user_service import UserService


class SecondFactors:
    """Says what an account has, judges codes, and removes all of it."""

    def __init__(
        self,
        factors: FactorRepository,
        codes: CodeRepository,
        devices: TotpRepository,
        passkeys: PasskeyRepository,
        users: UserService,
        rights: FactorRights,
    ) -> None:
        self._factors = factors
        self._codes = codes
        self._devices = devices
        self._passkeys = passkeys
        self._users = users
        self._rights = rights

    async def kinds_of(self, user_id: int) -> tuple[FactorKind, ...]:
        """Return by what the account can be proven a second time; empty while it has no second factor."""
        counts = await self._factors.counts(user_id)
        if not counts.has_factor:
            return ()
        held = {
            FactorKind.TOTP: counts.has_totp,
            FactorKind.RECOVERY_CODE: counts.recovery_codes_left > 0,
            FactorKind.PASSKEY: counts.has_passkey,
        }
        return tuple(kind for kind, is_held in held.items() if is_held)

    def has_one(self, user_id: int) -> bool:
        """Return whether the account, locked in the transaction open on this thread, has a second factor."""
        return self._factors.has_one(user_id)

    async def check_code(self, user_id: int, code: str) -> str | None:
        """Use a code up, six digits or a recovery code, and return the method it proves (RFC 8176); None when wrong.

        Each is counted first: five wrong ones lock the pair of account and client address for growing times, and fifty
        within a day lock six digits of the account from everywhere. Raises TooManyRequests when locked.
        """
        digits = six_digits_of(code)
        digest = None if digits else digest_of(code)
        guess = Guess(user_id, limited_party(current_request().client_address), digits, digest)
        refused = AuditEntry(ANONYMOUS, "second_factor.refused", "user", user_id, outcome=Outcome.FAILURE)
        used = AuditEntry(owner_of(user_id), "recovery_code.used", "user", user_id)
        try:
            judgement = await self._codes.judge(guess, refused, used)
        except NotFound:
            return None
        refuse_for(judgement.locked_seconds)
        return ONE_TIME_CODE if judgement.is_right else None

    async def list_own(self, actor: Principal) -> SecondFactorsOut:
        """Return the caller's own factors; raises NotAllowed without a session."""
        actor.require_session()
        return await self.summary(actor, actor.owner_id)

    async def summary(self, actor: Principal, user_id: int) -> SecondFactorsOut:
        """Return an account's factors, without any secret.

        Raises NotAllowed for another's unless the actor is staff, and NotFound.
        """
        await self._users.require(actor, user_id)
        return await self._summary(user_id)

    async def export(self, user_id: int) -> Any:
        """Return the account's factors without any secret. It is an `ExportPersonalData`."""
        return await self._summary(user_id)

    async def _summary(self, user_id: int) -> SecondFactorsOut:
        device = await self._devices.find(user_id)
        totp = None
        if device is not None and device.confirmed_at is not None:
            totp = TotpOut(confirmed_at=device.confirmed_at, last_used_at=device.last_used_at)
        return SecondFactorsOut(
            kinds=list(await self.kinds_of(user_id)),
            totp=totp,
            passkeys=[PasskeyOut.of(passkey) for passkey in await self._passkeys.of_user(user_id)],
            recovery_codes_left=(await self._factors.counts(user_id)).recovery_codes_left,
        )

    async def renew_recovery_codes(self, actor: Principal) -> RecoveryCodesOut:
        """Return new recovery codes in place of the old ones; raises StepUpRequired, NotAllowed.

        Raises NotFound while there is no factor that they could stand in for.
        """
        user_id = await self._rights.require_fresh(actor)
        if not await self.kinds_of(user_id):
            raise NotFound("The account has no second factor.")
        codes = new_codes()
        audit = AuditEntry(actor, "recovery_codes.renewed", "user", user_id)
        await self._factors.replace_recovery_codes(user_id, [digest_of(code) for code in codes], audit)
        return RecoveryCodesOut(recovery_codes=codes)

    async def reset(self, actor: Principal, user_id: int) -> None:
        """Remove every factor of somebody who has lost them, and end their sessions.

        Raises NotAllowed unless the actor is a superuser in person, StepUpRequired, NotFound when there is nothing.
        """
        await self._rights.require_superuser_in_person(actor)
        await self._factors.reset(user_id, AuditEntry(actor, "second_factors.reset", "user", user_id))

    def erase(self, user_id: int) -> None:
        """Remove everything about the account's factors, in the transaction open on this thread."""
        self._factors.erase(user_id)
