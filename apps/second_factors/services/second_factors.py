"""Lists an account's second factors, and verifies codes."""

from apps.core.authorization.authentication_methods import ONE_TIME_CODE
from apps.core.authorization.catalogue import SECURITY_READ
from apps.core.authorization.principal import ANONYMOUS, Principal
from apps.core.database.transaction import transaction
from apps.core.errors import NotFound
from apps.second_factors.repositories.factor_repository import FactorCounts, FactorRepository
from apps.second_factors.repositories.passkey_repository import PasskeyRepository
from apps.second_factors.repositories.totp_repository import TotpRepository
from apps.second_factors.schemas.passkey import PasskeyOut
from apps.second_factors.schemas.second_factor import FactorKind, FactorsOverview, SecondFactorsOut
from apps.second_factors.schemas.totp_device import TotpOut
from apps.second_factors.services.in_transaction.code_verification import CodeVerification, attempt_of
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.user_service import UserService


class SecondFactors:
    """Lists an account's second factors, and verifies codes."""

    def __init__(
        self,
        factors: FactorRepository,
        devices: TotpRepository,
        passkeys: PasskeyRepository,
        users: UserService,
        accounts: Accounts,
        codes: CodeVerification,
    ) -> None:
        self._factors = factors
        self._devices = devices
        self._passkeys = passkeys
        self._users = users
        self._accounts = accounts
        self._codes = codes

    async def kinds_of(self, user_id: int) -> tuple[FactorKind, ...]:
        """Return the kinds of factors that complete a sign-in to the account; empty if it has no second factor."""
        return kinds_in(await self._factors.counts(user_id))

    async def check_code(self, user_id: int, code: str) -> str | None:
        """Spend a code and return its authentication method (RFC 8176), or None when the code is wrong.

        Raises TooManyRequests while codes of the account are locked (see `CodeVerification`).
        """
        async with transaction():
            try:
                await self._accounts.lock(user_id)
            except NotFound:
                return None
            is_right = await self._codes.verify(attempt_of(user_id, code), ANONYMOUS)
        return ONE_TIME_CODE if is_right else None

    async def list_own(self, actor: Principal) -> SecondFactorsOut:
        """Return the caller's own factors; raises NotAllowed without a session."""
        actor.require_session()
        return await self.summary(actor, actor.owner_id)

    async def summary(self, actor: Principal, user_id: int) -> SecondFactorsOut:
        """Return an account's factors, without any secret.

        Raises NotAllowed, InsufficientScopes, NotFound.
        """
        await self._users.require_readable(actor, user_id, SECURITY_READ)
        return await self.held_by(user_id)

    async def overview(self, actor: Principal, user_id: int) -> FactorsOverview:
        """Return a customer's factors at a glance, in one read, for callers that have read the account.

        Raises NotAllowed, InsufficientScopes.
        """
        actor.require_scope(SECURITY_READ)
        return FactorsOverview.model_validate_json(await self._factors.overview(user_id))

    async def held_by(self, user_id: int) -> SecondFactorsOut:
        """Return an account's factors, without any secret, for callers that have checked who may see them."""
        device = await self._devices.find_confirmed(user_id)
        counts = await self._factors.counts(user_id)
        return SecondFactorsOut(
            kinds=list(kinds_in(counts)),
            totp=None if device is None else TotpOut.of(device),
            passkeys=[PasskeyOut.of(passkey) for passkey in await self._passkeys.of_user(user_id)],
            recovery_codes_left=counts.recovery_codes_left,
        )


def kinds_in(counts: FactorCounts) -> tuple[FactorKind, ...]:
    """Return the kinds of factors in the counts; recovery codes alone are not a second factor."""
    if not counts.has_factor:
        return ()
    held = {
        FactorKind.TOTP: counts.has_totp,
        FactorKind.RECOVERY_CODE: counts.recovery_codes_left > 0,
        FactorKind.PASSKEY: counts.has_passkey,
    }
    return tuple(kind for kind, is_held in held.items() if is_held)
