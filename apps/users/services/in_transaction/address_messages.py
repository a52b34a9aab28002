"""Enqueues messages with links that verify or change the address of an account."""

import secrets

from apps.core.authorization.principal import Principal
from apps.mail.domain.message import MailMessage, link_to, message_key
from apps.mail.services.in_transaction.message_queue import MessageQueue
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.users.models import User
from apps.users.services.in_transaction.security_notifier import SecurityNotice, SecurityNotifier

VERIFY = "verify_email"
CONFIRM_NEW, TAKEN = TO_NEW = ("confirm_new_email", "email_taken")
CONFIRM_OLD, REQUESTED = TO_OLD = ("confirm_email_change", "email_change_asked")


class VerificationMessages:
    """Enqueues messages with links that verify an address, each valid once and only for this address."""

    def __init__(self, tokens: OneTimeTokens, queue: MessageQueue) -> None:
        self._tokens = tokens
        self._queue = queue

    async def enqueue(self, user_id: int, email: str) -> None:
        """Enqueue a message with a link in the caller's transaction; the account's earlier links become invalid."""
        token = await self._tokens.issue(user_id, {"email": email})
        context, key = {"link": link_to("verify-email", token=token)}, message_key(VERIFY, token)
        await self._queue.enqueue(MailMessage(VERIFY, email, key, user_id, context, self._tokens.ttl_seconds))


class EmailChangeMessages:
    """Enqueues messages to the old and the new address in the caller's transaction."""

    def __init__(self, queue: MessageQueue, notifier: SecurityNotifier) -> None:
        self._queue = queue
        self._notifier = notifier

    async def request_from_new(self, user_id: int, email: str, token: str, *, is_taken: bool) -> None:
        """Enqueue a request to confirm to the new address, or a message to its owner if it has an account."""
        kind = TAKEN if is_taken else CONFIRM_NEW
        link = link_to("forgot-password") if is_taken else link_to("confirm-new-email", token=token)
        # A taken address belongs to another account, so the message does not concern this one.
        concerned_id = None if is_taken else user_id
        await self._queue.enqueue(MailMessage(kind, email, message_key(kind, token), concerned_id, {"link": link}))

    async def request_from_old(self, user: User, token: str, cancel_token: str) -> None:
        """Enqueue a request to confirm to the old address, or only a cancel link if it was never verified."""
        kind = CONFIRM_OLD if user.email_verified_at else REQUESTED
        context = {"cancel_link": link_to("cancel-email-change", token=cancel_token)}
        if user.email_verified_at:
            context["link"] = link_to("confirm-email", token=token)
        await self._queue.enqueue(MailMessage(kind, user.email, message_key(kind, token), user.pk, context))

    async def notify_both(self, user_id: int, old: str, actor: Principal | None = None) -> None:
        """Notify the current address and the old one that the address has changed."""
        key = secrets.token_hex(8)
        await self._notifier.notify(user_id, SecurityNotice.EMAIL_CHANGED, key, actor)
        await self._notifier.notify_at(old, user_id, SecurityNotice.EMAIL_CHANGED, key, actor)
