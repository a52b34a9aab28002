"""Turning the code of a sign-in with a provider into a session, or into a link to the account one is signed in to."""

from apps.authentication.domain.authentication import Authentication
from apps.authentication.schemas.login import SecondFactorNeeded, TokenPair
from apps.authentication.services.sign_in import SignIn
from apps.core.authorization.authentication_methods import FEDERATED
from apps.core.authorization.principal import Principal
from apps.core.errors import InvalidToken
from apps.identities.models import Profile
from apps.identities.schemas.identity import IdentityOut
from apps.identities.schemas.provider import CodeExchange
from apps.identities.services.account_linking import AccountLinking
from apps.identities.services.code_challenge import is_verifier_of
from apps.one_time_tokens.services.old_one_time_tokens import OneTimeTokens
from apps.second_factors.services.factor_rights import FactorRights

CODE_IS_OVER = "The code is not good any more; begin the sign-in again."


class FederatedSignIn:
    """Redeems codes. A code is used up by the first attempt, whatever comes of it."""

    def __init__(self, codes: OneTimeTokens, linking: AccountLinking, sign_in: SignIn, rights: FactorRights) -> None:
        self._codes = codes
        self._linking = linking
        self._sign_in = sign_in
        self._rights = rights

    async def sign_in(self, exchange: CodeExchange) -> TokenPair | SecondFactorNeeded:
        """Start a session of the account that the identity belongs to, or comes to belong to.

        Where the account has a second factor, it is asked for first, whatever the provider has asked for.

        Raises InvalidToken, as `AccountLinking.account_of` does, and as `SignIn.complete` does.
        """
        user_id = await self._linking.account_of(await self._redeem(exchange))
        return await self._sign_in.complete(Authentication(user_id, (FEDERATED,)))

    async def link(self, actor: Principal, exchange: CodeExchange) -> IdentityOut:
        """Link the identity to the caller's own account.

        Raises as `FactorRights.require_fresh` does, which leaves the code good; InvalidToken; and as
        `AccountLinking.link` does.
        """
        await self._rights.require_fresh(actor)
        return IdentityOut.of(await self._linking.link(actor, await self._redeem(exchange)))

    async def _redeem(self, exchange: CodeExchange) -> Profile:
        spent = await self._codes.spend_alone(exchange.code.get_secret_value())
        verifier = exchange.code_verifier.get_secret_value()
        # Whoever has taken the code from the address, or has planted one of their own, lacks the verifier.
        if spent is None or not is_verifier_of(verifier, spent.data["code_challenge"]):
            raise InvalidToken(CODE_IS_OVER)
        return Profile(**spent.data["profile"])
