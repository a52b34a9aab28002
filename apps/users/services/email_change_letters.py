"""What is written to the two addresses of a change."""

import secrets

from apps.core.authorization.principal import Principal
from apps.mail.domain.links import link_to
from apps.mail.domain.message import MailMessage, PostLetter, message_key
from apps.one_time_tokens.domain.void_tokens import VoidTokens
from apps.users.domain.security_notice import SecurityNotice
from apps.users.models import User
from apps.users.services.security_notices import SecurityNotices
from apps.users.services.verification_letters import VerificationLetters

CONFIRM_NEW, TAKEN = TO_NEW = ("confirm_new_email", "email_taken")
CONFIRM_OLD, ASKED = TO_OLD = ("confirm_email_change", "email_change_asked")


class EmailChangeLetters:
    """Writes to the old and the new address, in the transaction that is open on the calling thread."""

    def __init__(
        self,
        post_letter: PostLetter,
        notices: SecurityNotices,
        verification: VerificationLetters,
        void_tokens: VoidTokens,
    ) -> None:
        self._post_letter = post_letter
        self._notices = notices
        self._verification = verification
        self._void_tokens = void_tokens

    def ask_new(self, user_id: int, email: str, token: str, *, is_taken: bool) -> None:
        """Ask the new address, or tell it that it has an account already."""
        kind = TAKEN if is_taken else CONFIRM_NEW
        link = link_to("forgot-password") if is_taken else link_to("confirm-email", token=token)
        # The owner of an address that is taken is somebody else: the letter is not this account's.
        self._post_letter(
            MailMessage(kind, email, message_key(kind, token), None if is_taken else user_id, {"link": link})
        )

    def ask_old(self, user: User, token: str, cancel_token: str) -> None:
        """Ask the old address; one that was never verified is only told how to cancel."""
        kind = CONFIRM_OLD if user.email_verified_at else ASKED
        context = {"cancel_link": link_to("cancel-email-change", token=cancel_token)}
        if user.email_verified_at:
            context["link"] = link_to("confirm-email", token=token)
        self._post_letter(MailMessage(kind, user.email, message_key(kind, token), user.pk, context))

    def tell_both(self, user_id: int, old: str, actor: Principal | None) -> None:
        """Tell both that it is done, and void every single-use token that the old address may have."""
        self._void_tokens(user_id)
        key = secrets.token_hex(8)
        self._notices.post(user_id, SecurityNotice.EMAIL_CHANGED, key, actor)
        self._notices.post_to(old, user_id, SecurityNotice.EMAIL_CHANGED, key, actor)

    def verify(self, user_id: int, email: str) -> None:
        """Ask an address that staff have set whether it is the owner's."""
        self._verification.send(user_id, email)
