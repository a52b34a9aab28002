"""Telling an account's owner by mail what was done to it."""

from datetime import UTC, datetime

from apps.core.authorization.principal import Principal
from apps.core.request_context import current_request
from apps.mail.domain.links import link_to
from apps.mail.domain.message import MailMessage, PostLetter
from apps.users.domain.security_notice import SecurityNotice
from apps.users.repositories.mail_address_repository import MailAddressRepository

AGENT_LENGTH_MAXIMUM = 120  # enough to know one's own device by
UNKNOWN = "unknown"


class SecurityNotices:
    """Posts letters of the kind `security_notice`: what happened, when, from where, and what to do about it."""

    def __init__(self, addresses: MailAddressRepository, post_letter: PostLetter) -> None:
        self._addresses = addresses
        self._post_letter = post_letter

    def post(self, user_id: int, what: SecurityNotice, key: str, actor: Principal | None = None) -> None:
        """Tell the account's owner. It is a `PostNotice`. An account that has been erased is told nothing."""
        address, moment = self._addresses.of(user_id)
        if address is not None:
            self._post_letter(_letter(address, user_id, what, key, _context(what, moment, user_id, actor)))

    def post_to(
        self, address: str, user_id: int, what: SecurityNotice, key: str, actor: Principal | None = None
    ) -> None:
        """Tell the owner at an address that is not the account's, or is not any more."""
        _, moment = self._addresses.of(user_id)
        self._post_letter(_letter(address, user_id, what, f"{key}:elsewhere", _context(what, moment, user_id, actor)))


def _letter(address: str, user_id: int, what: SecurityNotice, key: str, context: dict[str, str]) -> MailMessage:
    return MailMessage("security_notice", address, f"notice:{what.name.lower()}:{key}", user_id, context)


def _context(what: SecurityNotice, moment: datetime, user_id: int, actor: Principal | None) -> dict[str, str]:
    return {
        "what": what.value,
        "moment": f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        **_origin(user_id, actor),
        "link": link_to("security"),
        "reset_link": link_to("forgot-password"),
    }


def _origin(user_id: int, actor: Principal | None) -> dict[str, str]:
    if actor is not None and actor.user_id != user_id:
        return {"by_staff": "yes"}
    request = current_request()
    agent = request.user_agent[:AGENT_LENGTH_MAXIMUM] or UNKNOWN
    return {"by_staff": "", "address": request.client_address or UNKNOWN, "agent": agent}
