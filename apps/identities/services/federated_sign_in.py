"""Redeems the code of a sign-in with a provider: for a session, or to link the identity to the caller's account."""

from datetime import UTC, datetime

from apps.authentication.domain.session_rules import Authentication
from apps.authentication.schemas.login import SecondFactorNeeded, TokenPair
from apps.authentication.services.sign_in import SignIn
from apps.core.authorization.authentication_methods import FEDERATED
from apps.core.authorization.principal import Principal
from apps.core.errors import InvalidToken
from apps.identities.domain.provider import Profile
from apps.identities.schemas.identity import IdentityOut
from apps.identities.schemas.provider import CodeExchange
from apps.identities.services.account_linking import AccountLinking
from apps.identities.services.browser_binding import is_verifier_of
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.second_factors.services.factor_rights import FactorRights

INVALID_CODE = "The code is invalid or has expired. Start the sign-in again."


class FederatedSignIn:
    """Redeems codes. The first attempt spends a code, even if it fails."""

    def __init__(self, codes: OneTimeTokens, linking: AccountLinking, sign_in: SignIn, rights: FactorRights) -> None:
        self._codes = codes
        self._linking = linking
        self._sign_in = sign_in
        self._rights = rights

    async def sign_in(self, exchange: CodeExchange) -> TokenPair | SecondFactorNeeded:
        """Start a session of the account that the identity is linked to; link it first if necessary.

        If the account has a second factor, it is required first, regardless of what the provider has required.

        Raises InvalidToken, and as `AccountLinking.account_of` and `SignIn.complete` do.
        """
        profile = await self._redeem(exchange)
        user_id = await self._linking.account_of(profile)
        at = None if profile.authenticated_at is None else datetime.fromtimestamp(profile.authenticated_at, UTC)
        return await self._sign_in.complete(Authentication(user_id, (FEDERATED,), federated_at=at))

    async def link(self, actor: Principal, exchange: CodeExchange) -> IdentityOut:
        """Link the identity to the caller's account.

        Raises as `FactorRights.require_recent_authentication` does, which leaves the code valid; InvalidToken; and as
        `AccountLinking.link` does.
        """
        await self._rights.require_recent_authentication(actor)
        return IdentityOut.of(await self._linking.link(actor, await self._redeem(exchange)))

    async def _redeem(self, exchange: CodeExchange) -> Profile:
        spent = await self._codes.spend(exchange.code.get_secret_value())
        verifier = exchange.code_verifier.get_secret_value()
        # An attacker who has read the code from the URL, or has injected one, does not have the verifier.
        if spent is None or not is_verifier_of(verifier, spent.data["code_challenge"]):
            raise InvalidToken(INVALID_CODE)
        return Profile(**spent.data["profile"])
