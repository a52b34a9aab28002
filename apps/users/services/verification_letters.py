"""The letters by which somebody shows that an address is theirs."""

from apps.mail.domain.links import link_to
from apps.mail.domain.message import MailMessage, PostLetter, message_key
from apps.one_time_tokens.services.old_one_time_tokens import OneTimeTokens

LETTER_KIND = "verify_email"


class VerificationLetters:
    """Posts links that verify an account's address, each good once and for this address only."""

    def __init__(self, tokens: OneTimeTokens, post_letter: PostLetter) -> None:
        self._tokens = tokens
        self._post_letter = post_letter

    def send(self, user_id: int, email: str) -> None:
        """Post one in the transaction that is open on the calling thread; the links before it are good no more."""
        token = self._tokens.issue(user_id, {"email": email})
        link = link_to("verify-email", token=token)
        lifetime = self._tokens.ttl_seconds
        self._post_letter(
            MailMessage(LETTER_KIND, email, message_key(LETTER_KIND, token), user_id, {"link": link}, lifetime)
        )
