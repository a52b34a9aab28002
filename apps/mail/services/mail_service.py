"""Takes letters in."""

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email

from apps.core.errors import ValidationFailed
from apps.core.letters import Letter
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository
from apps.mail.services.letter_context import seal


class MailService:
    """Posts letters, which are sent in the background."""

    def __init__(self, mails: OutgoingMailRepository) -> None:
        self._mails = mails

    def post(self, letter: Letter) -> None:
        """Post the letter in the transaction that is open on the calling thread: neither is without the other.

        It is a `PostLetter`. The same key posts once. Raises ValidationFailed when the recipient is no address, or
        contains a line break.
        """
        self._mails.add(
            kind=letter.kind,
            recipient=_address(letter.recipient),
            user_id=letter.user_id,
            key=letter.key,
            context_encrypted=seal(letter.context),
            lifetime_seconds=letter.lifetime_seconds,
        )


def _address(recipient: str) -> str:
    try:
        validate_email(recipient)
    except DjangoValidationError as error:
        raise ValidationFailed.of("recipient", "is not an e-mail address") from error
    return recipient
