"""Messages by which owners verify the addresses of their accounts."""

from apps.mail.domain.links import link_to
from apps.mail.domain.message import MailMessage, message_key
from apps.mail.services.in_transaction.message_queue import MessageQueue
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens

MESSAGE_KIND = "verify_email"


class VerificationMessages:
    """Enqueues links that verify an address, each valid once and for this address only."""

    def __init__(self, tokens: OneTimeTokens, queue: MessageQueue) -> None:
        self._tokens = tokens
        self._queue = queue

    async def enqueue(self, user_id: int, email: str) -> None:
        """Enqueue a link in the caller's transaction; the account's earlier links become invalid."""
        token = await self._tokens.issue(user_id, {"email": email})
        context, key = {"link": link_to("verify-email", token=token)}, message_key(MESSAGE_KIND, token)
        await self._queue.enqueue(MailMessage(MESSAGE_KIND, email, key, user_id, context, self._tokens.ttl_seconds))
