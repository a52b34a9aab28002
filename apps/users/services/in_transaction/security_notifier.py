"""Notifies an account's owner of security events by mail."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum

from apps.core.authorization.principal import Principal
from apps.core.request_context import current_request
from apps.mail.domain.message import MailMessage, link_to
from apps.mail.services.in_transaction.message_queue import MessageQueue
from apps.users.models import User
from apps.users.repositories.account_repository import AccountRepository
from apps.users.services.credentials import may_be_shown_texts


class SecurityNotice(StrEnum):
    """A security event, as one sentence: the subject of the message."""

    PASSWORD_CHANGED = "Your password was changed."
    PASSWORD_RESET = "Your password was reset through a link in a mail."
    EMAIL_CHANGED = "The e-mail address of your account was changed."
    NEW_DEVICE = "Your account was signed in to from a new device."
    TOKEN_REUSED = "A session of your account was ended, because a token of it was used twice."
    SECOND_FACTOR_ADDED = "A second factor was added to your account."
    SECOND_FACTOR_REMOVED = "A second factor was removed from your account."
    SECOND_FACTORS_RESET = "All second factors of your account were removed."
    RECOVERY_CODE_USED = "A recovery code of your account was used."
    RECOVERY_CODES_RENEWED = "The recovery codes of your account were replaced."
    CODES_GUESSED = "Many wrong codes were entered for your account, perhaps by someone who knows your password."
    PASSKEY_CLONED = "A passkey of your account was refused, because it may have been copied."
    IDENTITY_LINKED = "Sign-in with another provider was linked to your account."
    IDENTITY_UNLINKED = "Sign-in with another provider was unlinked from your account."


AGENT_LENGTH_MAXIMUM = 120  # enough to recognise one's own device
UNKNOWN = "unknown"
NOTHING: Mapping[str, str] = {}


class SecurityNotifier:
    """Enqueues messages of the kind `security_notice`: the event, its time and origin, and what to do about it.

    `key` identifies the event (by the id of the session, of the audit event): each key is notified once. The message
    names the address and the user agent of the current request, unless `actor` is not the owner: those of staff are
    not shown to customers.
    """

    def __init__(self, accounts: AccountRepository, queue: MessageQueue) -> None:
        self._accounts = accounts
        self._queue = queue

    async def notify(
        self,
        user_id: int,
        what: SecurityNotice,
        key: str,
        actor: Principal | None = None,
        details: Mapping[str, str] = NOTHING,
    ) -> None:
        """Notify the account's owner, unless the account has been erased; raises NotFound.

        `details` may be `keys`, the API keys that still work, with `keys_link`, which revokes them, and `revoked`, the
        number of those that were revoked.
        """
        user, moment = await self._accounts.find_now(user_id)
        if user.erased_at is None:
            await self._enqueue(user, what, key, moment, actor, details)

    async def notify_former(self, user: User, what: SecurityNotice, key: str, actor: Principal | None = None) -> None:
        """Notify the owner at the address that the account, `user`, had before; raises NotFound."""
        _, moment = await self._accounts.find_now(user.pk)
        await self._enqueue(user, what, f"{key}:elsewhere", moment, actor, NOTHING)

    async def _enqueue(
        self,
        user: User,
        what: SecurityNotice,
        key: str,
        moment: datetime,
        actor: Principal | None,
        details: Mapping[str, str],
    ) -> None:
        is_verified = may_be_shown_texts(user)
        notice = notice_to(user.email, user.pk, what, key, moment, actor, shows_agent=is_verified)
        message = replace(notice, context={**notice.context, **details})
        await self._queue.enqueue_notice(message, is_verified=is_verified)


def notice_to(
    address: str,
    user_id: int,
    what: SecurityNotice,
    key: str,
    moment: datetime,
    actor: Principal | None,
    *,
    shows_agent: bool,
) -> MailMessage:
    """Return the message that sends the notice to the address."""
    origin = _origin(user_id, actor)
    if not shows_agent and "agent" in origin:
        origin["agent"] = UNKNOWN
    context = {
        "what": what.value,
        "moment": moment_text(moment),
        **origin,
        "link": link_to("security"),
        "reset_link": link_to("forgot-password"),
    }
    return MailMessage("security_notice", address, f"notice:{what.name.lower()}:{key}", user_id, context)


def moment_text(moment: datetime) -> str:
    """Return the time as messages show it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _origin(user_id: int, actor: Principal | None) -> dict[str, str]:
    if actor is not None and actor.user_id != user_id:
        return {"by_staff": "yes"}
    request = current_request()
    agent = request.user_agent[:AGENT_LENGTH_MAXIMUM] or UNKNOWN
    return {"by_staff": "", "address": request.client_address or UNKNOWN, "agent": agent}
