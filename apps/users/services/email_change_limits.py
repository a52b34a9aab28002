"""How often somebody may have other addresses written to."""

from apps.core.errors import TooManyRequests
from apps.mail.domain.message import FIVE_AN_HOUR, ONE_A_MINUTE
from apps.mail.services.old_mail_service import MailService
from apps.users.services.email_change_letters import TO_NEW, TO_OLD


class EmailChangeLimits:
    """An account begins one change a minute and five an hour, and an address is asked five times an hour by all.

    What counts are the letters: ending a change, or having it confirmed, takes none of them back.
    """

    def __init__(self, mail: MailService) -> None:
        self._mail = mail

    def require(self, user_id: int, email: str) -> None:
        """Raise TooManyRequests if the account, which is locked on this thread, may not ask this address yet."""
        waits = [self._mail.wait_of_account(user_id, TO_OLD, allowance) for allowance in (ONE_A_MINUTE, FIVE_AN_HOUR)]
        waits.append(self._mail.wait_to_address(email, TO_NEW, FIVE_AN_HOUR))
        if any(waits):
            raise TooManyRequests(retry_after_seconds=max(waits))
