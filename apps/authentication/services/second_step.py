"""The second step of signing in, where the account has a second factor."""

from dataclasses import replace

from apps.audit.domain.audit_entry import AuditEntry, NoteAudit
from apps.authentication.schemas.login import SecondFactorNeeded
from apps.authentication.services.proof import Proof
from apps.core.authorization.authentication_methods import include_second_factor
from apps.core.authorization.principal import owner_of
from apps.core.errors import NotAuthenticated
from apps.one_time_tokens.services.old_one_time_tokens import OneTimeTokens
from apps.second_factors.schemas.passkey import PasskeyAssertion, PasskeyOptions
from apps.second_factors.schemas.second_factor import FactorKind
from apps.second_factors.services.passkey_proof import PasskeyProof
from apps.second_factors.services.second_factors import SecondFactors

ATTEMPTS_MAXIMUM = 5
EXPIRED = "SECOND_FACTOR_EXPIRED"
EXPIRED_MESSAGE = "Sign in again: this took too long, or too many attempts."


class SecondStep:
    """Keeps what the first step has shown in a one-time token, and completes it.

    The token dies with its fifth attempt; how many codes are judged at all, SecondFactors decides for each account.
    """

    def __init__(self, factors: SecondFactors, passkeys: PasskeyProof, tokens: OneTimeTokens, note: NoteAudit) -> None:
        self._factors = factors
        self._passkeys = passkeys
        self._tokens = tokens
        self._note = note

    async def ask_if_needed(self, proof: Proof) -> SecondFactorNeeded | None:
        """Return what to ask for beside this proof; None when it is enough."""
        if include_second_factor(proof.methods):
            return None
        kinds = await self._factors.kinds_of(proof.user_id)
        if not kinds:
            return None
        data = {"methods": list(proof.methods), "judged_digest": proof.digest}
        token = await self._tokens.issue_alone(proof.user_id, data)
        owner, asked = owner_of(proof.user_id), {"methods": list(proof.methods)}
        await self._note(AuditEntry(owner, "second_factor.asked", "user", after=asked))
        return SecondFactorNeeded(second_factor_token=token, kinds=list(kinds), expires_in=self._tokens.ttl_seconds)

    async def kinds(self, token: str) -> tuple[FactorKind, ...]:
        """Return what may complete the sign-in; raises NotAuthenticated."""
        return await self._factors.kinds_of(await self._owner_of(token))

    async def with_code(self, token: str, code: str) -> Proof:
        """Return the whole proof; raises NotAuthenticated, or TooManyRequests when locked."""
        first = await self._attempt(token)
        method = await self._factors.check_code(first.user_id, code)
        if method is None:
            raise NotAuthenticated("The code is wrong or has been used.", code="WRONG_CODE")
        return await self._complete(token, first, (method,))

    async def ask_for_passkey(self, token: str) -> PasskeyOptions:
        """Return what to ask the browser for; raises NotAuthenticated."""
        return await self._passkeys.ask(await self._owner_of(token))

    async def with_passkey(self, token: str, assertion: PasskeyAssertion) -> Proof:
        """Return the whole proof; raises NotAuthenticated."""
        first = await self._attempt(token)
        proven = await self._passkeys.judge(assertion, first.user_id)
        if proven is None:
            raise NotAuthenticated("The passkey could not be verified.", code="PASSKEY_REFUSED")
        return await self._complete(token, first, proven.methods)

    async def _owner_of(self, token: str) -> int:
        stored = await self._tokens.find(token)
        if stored is None or stored.user_id is None:
            raise _outdated()
        return stored.user_id

    async def _attempt(self, token: str) -> Proof:
        stored = await self._tokens.attempt(token, ATTEMPTS_MAXIMUM)
        if stored is None or stored.user_id is None:
            raise _outdated()
        return Proof(stored.user_id, tuple(stored.data["methods"]), judged_digest=stored.data["judged_digest"])

    async def _complete(self, token: str, first: Proof, methods: tuple[str, ...]) -> Proof:
        # Of two who come at once with right proofs, one finds the token unspent.
        if await self._tokens.spend_alone(token) is None:
            raise _outdated()
        return replace(first, methods=(*first.methods, *methods))


def _outdated() -> NotAuthenticated:
    return NotAuthenticated(EXPIRED_MESSAGE, code=EXPIRED)
