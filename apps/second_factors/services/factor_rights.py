"""Checks who may change an account's second factors."""

from apps.core.authorization.authentication_methods import include_second_factor
from apps.core.authorization.catalogue import SECURITY_WRITE
from apps.core.authorization.principal import CredentialKind, Principal
from apps.core.errors import EmailNotVerified, NotAllowed, StepUpRequired
from apps.second_factors.repositories.factor_repository import FactorRepository
from apps.users.services.credentials import Credentials
from apps.users.services.user_service import UserService


class FactorRights:
    """Requires a recent authentication, by a second factor if the account has one.

    A session that was started by the password alone, before the factor was added, may be an attacker's.
    """

    def __init__(self, factors: FactorRepository, users: UserService) -> None:
        self._factors = factors
        self._users = users

    async def require_recent_authentication(self, actor: Principal) -> int:
        """Return the id of the caller's account; raises StepUpRequired, NotAllowed without a session."""
        actor.require_recent_authentication()
        await self.require_second_factor_if_enrolled(actor)
        return actor.owner_id

    async def require_may_enrol(self, actor: Principal) -> Credentials:
        """Return the caller's account, which may add a factor.

        Raises as `require_recent_authentication` does, and EmailNotVerified for a customer's unverified address:
        a person who has signed up with another's address must not be able to sign in after its owner resets the
        password by mail. Accounts of staff are created by other staff.
        """
        account = await self._users.credentials(await self.require_recent_authentication(actor))
        if not (account.is_verified or account.is_staff):
            raise EmailNotVerified
        return account

    async def require_second_factor_if_enrolled(self, actor: Principal) -> None:
        """Raise StepUpRequired unless the session was recently authenticated by the account's second factor, if any."""
        counts = await self._factors.counts(actor.owner_id)
        if counts.has_factor:
            actor.require_recent_authentication()
            if not include_second_factor(actor.methods):
                raise StepUpRequired

    async def require_staff_in_person(self, actor: Principal) -> None:
        """Raise NotAllowed, InsufficientScopes or StepUpRequired unless the caller may remove others' factors.

        That is the operator, or a session with the scope `security:write`. A key is not enough: a stolen one must not
        open other accounts.
        """
        actor.require_scope(SECURITY_WRITE)
        if actor.kind is CredentialKind.API_KEY:
            raise NotAllowed("This requires a session, not an API key. Sign in first.")
        if actor.session_id is not None:
            await self.require_recent_authentication(actor)
