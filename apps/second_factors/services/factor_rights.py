"""Who may change an account's second factors."""

from apps.core.authorization.authentication_methods import include_second_factor
from apps.core.authorization.principal import CredentialKind, Principal
from apps.core.errors import EmailNotVerified, NotAllowed, StepUpRequired
from apps.second_factors.repositories.factor_repository import FactorRepository
from apps.users.services.user_service import UserService


class FactorRights:
    """Asks for fresh proof, and where the account has a second factor, for a session that has proven it.

    A session that a password alone began, before the factor was added, may be a thief's: it has to step up first.
    """

    def __init__(self, factors: FactorRepository, users: UserService) -> None:
        self._factors = factors
        self._users = users

    async def require_fresh(self, actor: Principal) -> int:
        """Return the account of whoever is signed in and has just proven it; raises StepUpRequired, NotAllowed."""
        actor.require_recent_authentication()
        await self.require_fresh_if_protected(actor)
        return actor.owner_id

    async def require_enrolling(self, actor: Principal) -> int:
        """Return the account as `require_fresh` does; raises EmailNotVerified for a customer's unverified address.

        Whoever has signed up with somebody else's address must not keep a way in beside it when its owner comes and
        sets a new password by mail. Staff's accounts are made by others than strangers.
        """
        user_id = await self.require_fresh(actor)
        account = await self._users.credentials(user_id)
        if not (account.is_verified or account.is_staff):
            raise EmailNotVerified
        return user_id

    async def require_fresh_if_protected(self, actor: Principal) -> None:
        """Raise StepUpRequired if the caller's account has a second factor that the session has not just proven."""
        counts = await self._factors.counts(actor.owner_id)
        if counts.has_factor:
            actor.require_recent_authentication()
            if not include_second_factor(actor.methods):
                raise StepUpRequired

    async def require_superuser_in_person(self, actor: Principal) -> None:
        """Raise NotAllowed unless the caller is a superuser, or an operator, in person; StepUpRequired unless fresh.

        A key of theirs is not enough: whoever has stolen one must not open other people's accounts with it.
        """
        actor.require_superuser()
        if actor.kind is CredentialKind.API_KEY:
            raise NotAllowed("This needs a signed-in session, not an API key.")
        if actor.session_id is not None:
            await self.require_fresh(actor)
