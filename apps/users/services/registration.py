"""Who may make an account, and how it is made."""

import re

from django.conf import settings
from pydantic import TypeAdapter, ValidationError

from apps.core.errors import NotAllowed, ValidationFailed
from apps.core.security.audit_entry import AuditEntry
from apps.core.security.passwords import hash_password
from apps.core.security.principal import CredentialKind, Principal
from apps.users.repositories.user_repository import UserRepository
from apps.users.schemas import UserCreate, UserOut
from apps.users.schemas.fields import FULL_NAME_LENGTH_MAXIMUM, EmailAddress
from apps.users.services.password_policy import check_new_password

SELF_SIGN_UP = Principal(user_id=None, kind=CredentialKind.SESSION)
OPEN, CONFIRMED, INVITE, OFF = "open", "confirmed", "invite", "off"
EMAIL: TypeAdapter[str] = TypeAdapter(EmailAddress)
USERNAME_START_LENGTH_MAXIMUM = 100


class RegistrationClosed(NotAllowed):
    """Nobody signs up by themselves here."""

    code, message = "REGISTRATION_CLOSED", "Registration is closed."


class Registration:
    """Makes accounts; the setting REGISTRATION says whether strangers may."""

    def __init__(self, users: UserRepository) -> None:
        self._users = users

    def require_open_registration(self) -> None:
        """Raise RegistrationClosed unless strangers may make an account."""
        if settings.REGISTRATION == OFF:
            raise RegistrationClosed

    async def sign_up(self, new: UserCreate) -> UserOut:
        """Make a stranger's account; raises RegistrationClosed, ValidationFailed for a weak password, Conflict."""
        self.require_open_registration()
        return await self.register(new, SELF_SIGN_UP)

    async def register(self, new: UserCreate, actor: Principal) -> UserOut:
        """Make an account on the free plan; raises ValidationFailed for a weak password, Conflict when taken."""
        fields = new.model_dump(exclude={"password"})
        password = new.password.get_secret_value()
        await check_new_password(password, **fields)
        audit = AuditEntry(actor, "user.created", "user", after=fields)
        return UserOut.of(await self._users.create(fields, await hash_password(password), audit))

    def register_federated(self, email: str, full_name: str) -> int:
        """Make the account of somebody whose address another provider has verified, and return its id.

        In the transaction that is open on the calling thread. The account has no password, and a user name of its own
        made from the address. Raises RegistrationClosed, ValidationFailed when it is no address, Conflict when taken.
        """
        self.require_open_registration()
        fields = {"email": _address(email), "full_name": _name(full_name)}
        audit = AuditEntry(SELF_SIGN_UP, "user.created", "user", after={**fields, "federated": True})
        return self._users.create_verified(fields, username_start(email), audit)


def username_start(email: str) -> str:
    """Return what user names made from the address begin with."""
    letters = re.sub(r"[^A-Za-z0-9_.-]", "", email.partition("@")[0])
    return letters[:USERNAME_START_LENGTH_MAXIMUM] or "user"


def _address(email: str) -> str:
    try:
        return EMAIL.validate_python(email)
    except ValidationError as problem:
        raise ValidationFailed.of("email", "is not an e-mail address") from problem


def _name(full_name: str) -> str:
    printable = "".join(letter for letter in full_name if letter.isprintable())
    return printable.strip()[:FULL_NAME_LENGTH_MAXIMUM].strip()
