"""The second step of signing in to an account that has a second factor."""

from dataclasses import replace

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.authentication.domain.session_rules import Authentication
from apps.authentication.schemas.login import SecondFactorNeeded
from apps.core.authorization.principal import owner_of
from apps.core.database.transaction import transaction
from apps.core.errors import NotAuthenticated, PasskeyRefused, WrongCode
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.second_factors.schemas.passkey import PasskeyAssertion, PasskeyOptions
from apps.second_factors.schemas.second_factor import FactorKind
from apps.second_factors.services.passkey_authentication import PasskeyAuthentication
from apps.second_factors.services.second_factors import SecondFactors

ATTEMPTS_MAXIMUM = 5


class SecondFactorExpired(NotAuthenticated):
    """The token of the first step is invalid, has expired, or had too many attempts."""

    code = "SECOND_FACTOR_EXPIRED"
    message = "This sign-in has expired or had too many attempts. Sign in again."


class SecondStep:
    """Keeps the first step's authentication in a one-time token, and completes it by a second factor.

    The token is invalid after its fifth attempt. SecondFactors also limits the codes that are checked for each
    account.
    """

    def __init__(
        self, factors: SecondFactors, passkeys: PasskeyAuthentication, tokens: OneTimeTokens, audit: AuditTrail
    ) -> None:
        self._factors = factors
        self._passkeys = passkeys
        self._tokens = tokens
        self._audit = audit

    async def begin(self, first: Authentication) -> SecondFactorNeeded:
        """Return the token and the factors that complete the sign-in; raises NotAuthenticated if there are none."""
        kinds = await self._factors.kinds_of(first.user_id)
        if not kinds:
            raise NotAuthenticated("The second factors of the account have changed. Sign in again.")
        methods = list(first.methods)
        async with transaction():
            data = {"methods": methods, "judged_digest": first.checked_digest}
            token = await self._tokens.issue_another(first.user_id, data)
            entry = AuditEntry(owner_of(first.user_id), "second_factor.asked", "user", after={"methods": methods})
            await self._audit.record(entry)
        return SecondFactorNeeded(second_factor_token=token, kinds=list(kinds), expires_in=self._tokens.ttl_seconds)

    async def kinds(self, token: str) -> tuple[FactorKind, ...]:
        """Return the factors that may complete the sign-in; raises SecondFactorExpired."""
        return await self._factors.kinds_of(await self._owner_of(token))

    async def with_code(self, token: str, code: str) -> Authentication:
        """Return the authentication of both steps; raises SecondFactorExpired, WrongCode, LockedOut."""
        first = await self._attempt(token)
        method = await self._factors.check_code(first.user_id, code)
        if method is None:
            raise WrongCode
        return await self._complete(token, first, (method,))

    async def passkey_options(self, token: str) -> PasskeyOptions:
        """Return the browser's options for a passkey; raises SecondFactorExpired."""
        return await self._passkeys.options(await self._owner_of(token))

    async def with_passkey(self, token: str, assertion: PasskeyAssertion) -> Authentication:
        """Return the authentication of both steps; raises SecondFactorExpired, PasskeyRefused."""
        first = await self._attempt(token)
        used = await self._passkeys.verify(assertion, first.user_id)
        if used is None:
            raise PasskeyRefused
        return await self._complete(token, first, used.methods)

    async def _owner_of(self, token: str) -> int:
        stored = await self._tokens.find(token)
        if stored is None or stored.user_id is None:
            raise SecondFactorExpired
        return stored.user_id

    async def _attempt(self, token: str) -> Authentication:
        stored = await self._tokens.attempt(token, ATTEMPTS_MAXIMUM)
        if stored is None or stored.user_id is None:
            raise SecondFactorExpired
        return Authentication(stored.user_id, tuple(stored.data["methods"]), stored.data["judged_digest"])

    async def _complete(self, token: str, first: Authentication, methods: tuple[str, ...]) -> Authentication:
        # Of two concurrent requests with correct factors, one finds the token unspent.
        if await self._tokens.spend(token) is None:
            raise SecondFactorExpired
        return replace(first, methods=(*first.methods, *methods))
