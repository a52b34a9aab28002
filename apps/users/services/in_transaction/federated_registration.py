"""Creates accounts for users of other providers."""

import re

from django.conf import settings
from pydantic import TypeAdapter, ValidationError

from apps.core.errors import ValidationFailed
from apps.users.schemas.user import FULL_NAME_LENGTH_MAXIMUM, EmailAddress
from apps.users.services.in_transaction.account_creation import AccountCreation
from apps.users.services.in_transaction.invitation_acceptance import InvitationAcceptance
from apps.users.services.registration_mode import OFF, require_open_registration

EMAIL: TypeAdapter[str] = TypeAdapter(EmailAddress)
USERNAME_STEM_LENGTH_MAXIMUM = 100


class FederatedRegistration:
    """Creates accounts with an address that another provider has verified, in the caller's transaction."""

    def __init__(self, creation: AccountCreation, invitations: InvitationAcceptance) -> None:
        self._creation = creation
        self._invitations = invitations

    async def register(self, email: str, full_name: str) -> int:
        """Create an account and return its id.

        It has no password, and a user name derived from the address. An invitation to the address is accepted.
        Raises RegistrationClosed, InvitationRequired, ValidationFailed when `email` is not an address, Conflict when
        it is taken; the transaction stays usable.
        """
        invitation = await self._invitations.lock_by_address(email) if settings.REGISTRATION != OFF else None
        if invitation is None:
            require_open_registration()
        name = _printable(full_name)
        account = {"email": _address(email), "username": username_stem(email), "full_name": name}
        plan_id = invitation.plan_id if invitation else None
        user_id = await self._creation.create_verified(account, None, plan_id=plan_id, details={"federated": True})
        if invitation is not None:
            await self._invitations.accept(invitation, user_id)
        return user_id


def username_stem(email: str) -> str:
    """Return the first part of the user name, derived from the address."""
    stem = re.sub(r"[^A-Za-z0-9_.-]", "", email.partition("@")[0])
    return stem[:USERNAME_STEM_LENGTH_MAXIMUM] or "user"


def _address(email: str) -> str:
    try:
        return EMAIL.validate_python(email)
    except ValidationError as problem:
        raise ValidationFailed.of("email", "is not an e-mail address") from problem


def _printable(full_name: str) -> str:
    printable = "".join(character for character in full_name if character.isprintable())
    return printable.strip()[:FULL_NAME_LENGTH_MAXIMUM].strip()
