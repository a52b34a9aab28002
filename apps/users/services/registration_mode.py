"""The modes of the setting REGISTRATION, by which anonymous callers may create accounts."""

from django.conf import settings

from apps.core.errors import NotAllowed

OFF = "off"  # invitations are refused too, except those of staff
INVITE = "invite"
CONFIRMED = "confirmed"


class RegistrationClosed(NotAllowed):
    """The operator has turned registration off."""

    code, message = "REGISTRATION_CLOSED", "Registration is closed."


class InvitationRequired(NotAllowed):
    """Registration is by invitation only."""

    code, message = "INVITATION_REQUIRED", "Registration requires an invitation. Open the link in your invitation."


def require_open_registration() -> None:
    """Raise RegistrationClosed or InvitationRequired unless an account can be created without an invitation."""
    if settings.REGISTRATION == OFF:
        raise RegistrationClosed
    if settings.REGISTRATION == INVITE:
        raise InvitationRequired
