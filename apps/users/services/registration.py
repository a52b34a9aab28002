"""Signs up anonymous callers, and creates accounts for others."""

from django.conf import settings

from apps.core.authorization.catalogue import CUSTOMERS_WRITE
from apps.core.authorization.principal import ANONYMOUS, Principal
from apps.core.crypto.passwords import SIGN_UP, hash_password
from apps.core.database.transaction import transaction
from apps.users.repositories.user_repository import UserRepository
from apps.users.schemas.user import UserCreate, UserOut
from apps.users.services.confirmed_registration import ConfirmedRegistration
from apps.users.services.in_transaction.account_creation import AccountCreation
from apps.users.services.in_transaction.address_messages import VerificationMessages
from apps.users.services.in_transaction.invitation_acceptance import InvitationAcceptance
from apps.users.services.password_policy import check_new_password
from apps.users.services.registration_mode import CONFIRMED, OFF, RegistrationClosed, require_open_registration


class Registration:
    """Creates accounts. The setting REGISTRATION determines whether and how anonymous callers may sign up."""

    def __init__(
        self,
        users: UserRepository,
        creation: AccountCreation,
        verification: VerificationMessages,
        invitations: InvitationAcceptance,
        confirmed: ConfirmedRegistration,
    ) -> None:
        self._users = users
        self._creation = creation
        self._verification = verification
        self._invitations = invitations
        self._confirmed = confirmed

    async def sign_up(self, new: UserCreate) -> UserOut | None:
        """Create an anonymous caller's account; return None if it will be created when the address is confirmed.

        Raises RegistrationClosed, InvitationRequired, InvalidToken for an invalid invitation, ValidationFailed for a
        weak password, Conflict when the address or user name is taken.
        """
        if "invitation" in new.model_fields_set:
            return await self._accept_invitation(new)
        require_open_registration()
        if settings.REGISTRATION == CONFIRMED:
            await self._confirmed.request(new.account, await _hash_of(new))
            return None
        return await self._create(new, ANONYMOUS)

    async def register(self, new: UserCreate, actor: Principal) -> UserOut:
        """Create an account for a customer and send its address a link that verifies it.

        Raises NotAllowed, InsufficientScopes, ValidationFailed for a weak password, Conflict when the address or user
        name is taken.
        """
        actor.require_scope(CUSTOMERS_WRITE)
        return await self._create(new, actor)

    async def _create(self, new: UserCreate, actor: Principal) -> UserOut:
        password_hash = await _hash_of(new)
        async with transaction():
            user_id = await self._creation.create(actor, new.account, password_hash)
            await self._verification.enqueue(user_id, new.email)
            return UserOut.of(await self._users.get(user_id))

    async def _accept_invitation(self, new: UserCreate) -> UserOut:
        password_hash = await _hash_of(new)
        async with transaction():
            invitation = await self._invitations.lock_by_token(new.invitation.get_secret_value(), new.email)
            if not invitation.is_staff and settings.REGISTRATION == OFF:
                raise RegistrationClosed
            user_id = await self._creation.create(
                ANONYMOUS,
                new.account,
                password_hash,
                plan_id=invitation.plan_id,
                is_verified=True,
                is_staff=invitation.is_staff,
            )
            await self._invitations.accept(invitation, user_id)
            return UserOut.of(await self._users.get(user_id))


async def _hash_of(new: UserCreate) -> str:
    password = new.password.get_secret_value()
    await check_new_password(password, SIGN_UP, **new.account)
    return await hash_password(password, SIGN_UP)
