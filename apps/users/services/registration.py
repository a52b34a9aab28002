"""Who may make an account, and how it is made."""

from django.conf import settings
from pydantic import TypeAdapter, ValidationError

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.authorization.principal import ANONYMOUS, Principal
from apps.core.crypto.passwords import hash_password
from apps.core.database.transactions import run_in_transaction
from apps.core.errors import ValidationFailed
from apps.users.models import User
from apps.users.repositories.old_user_repository import OldUserRepository
from apps.users.schemas.user import FULL_NAME_LENGTH_MAXIMUM, EmailAddress, UserCreate, UserOut
from apps.users.services.confirmed_registration import ConfirmedRegistration
from apps.users.services.in_transaction.federated_registration import username_stem
from apps.users.services.invitation_service import InvitationService
from apps.users.services.password_policy import check_new_password
from apps.users.services.registration_mode import CONFIRMED, OFF, require_open_registration

EMAIL: TypeAdapter[str] = TypeAdapter(EmailAddress)


class Registration:
    """Makes accounts; the setting REGISTRATION says whether strangers may, and how."""

    def __init__(
        self, users: OldUserRepository, confirmed: ConfirmedRegistration, invitations: InvitationService
    ) -> None:
        self._users = users
        self._confirmed = confirmed
        self._invitations = invitations

    async def sign_up(self, new: UserCreate) -> UserOut | None:
        """Make a stranger's account, or return None when it is made as soon as the address is confirmed.

        Raises RegistrationClosed, InvitationRequired, InvalidToken for a bad invitation, ValidationFailed for a weak
        password, Conflict when taken.
        """
        if "invitation" not in new.model_fields_set or settings.REGISTRATION == OFF:
            require_open_registration()
            return await (self._ask if settings.REGISTRATION == CONFIRMED else self._open)(new)
        password_hash = await _hash_of(new)
        return UserOut.of(await run_in_transaction(self._accept, new, password_hash))

    async def register(self, new: UserCreate, actor: Principal) -> UserOut:
        """Make an account on the free plan; raises ValidationFailed for a weak password, Conflict when taken."""
        audit = AuditEntry(actor, "user.created", "user", after=new.account)
        return UserOut.of(await self._users.create(new.account, await _hash_of(new), audit))

    def register_federated(self, email: str, full_name: str) -> int:
        """Make the account of somebody whose address another provider has verified, and return its id.

        In the transaction that is open on the calling thread. The account has no password, and a user name of its own
        made from the address. Where only the invited sign up, it takes up the address's invitation. Raises
        RegistrationClosed, InvitationRequired, ValidationFailed when it is no address, Conflict when taken.
        """
        invitation = self._invitations.good_for_address(email) if settings.REGISTRATION != OFF else None
        if invitation is None:
            require_open_registration()
        account = {"email": _address(email), "full_name": _name(full_name), "username": username_stem(email)}
        plan = {"plan_id": invitation.plan_id} if invitation and invitation.plan_id else {}
        audit = AuditEntry(ANONYMOUS, "user.created", "user", after={**account, "federated": True})
        user = self._users.add_verified({**account, **plan}, None, audit)
        if invitation is not None:
            self._invitations.accept(invitation, user.pk)
        return user.pk

    async def _open(self, new: UserCreate) -> UserOut:
        return await self.register(new, ANONYMOUS)

    async def _ask(self, new: UserCreate) -> None:
        await self._confirmed.ask(new.account, await _hash_of(new))

    def _accept(self, new: UserCreate, password_hash: str) -> User:
        invitation = self._invitations.good_for(new.invitation.get_secret_value(), new.email)
        plan = {"plan_id": invitation.plan_id} if invitation.plan_id else {}
        audit = AuditEntry(ANONYMOUS, "user.created", "user", after={**new.account, **plan})
        user = self._users.add({**new.account, **plan}, password_hash, audit, is_verified=True)
        self._invitations.accept(invitation, user.pk)
        return user


async def _hash_of(new: UserCreate) -> str:
    password = new.password.get_secret_value()
    await check_new_password(password, **new.account)
    return await hash_password(password)


def _address(email: str) -> str:
    try:
        return EMAIL.validate_python(email)
    except ValidationError as problem:
        raise ValidationFailed.of("email", "is not an e-mail address") from problem


def _name(full_name: str) -> str:
    printable = "".join(letter for letter in full_name if letter.isprintable())
    return printable.strip()[:FULL_NAME_LENGTH_MAXIMUM].strip()
