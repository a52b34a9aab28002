"""Sends owners what staff tell them about a change of their account, in the caller's transaction."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from apps.mail.domain.message import MailMessage
from apps.mail.services.in_transaction.message_queue import MessageQueue
from apps.users.models import User
from apps.users.schemas.user import UserUpdate

KIND = "account_changed"
KEY_BYTES = 8
SUSPENDED = "Your account was suspended."
REACTIVATED = "Your account was reactivated."
EFFECTS = {
    SUSPENDED: "You can no longer sign in, and its API keys are refused.",
    REACTIVATED: "You can sign in again, and its API keys are valid again.",
}


class ChangeMessages:
    """Enqueues messages of the kind `account_changed`: what has changed, and what staff say about it."""

    def __init__(self, queue: MessageQueue) -> None:
        self._queue = queue

    async def tell(self, user: User, update: UserUpdate, changed: Mapping[str, Any]) -> None:
        """Send the owner the message of the update; without one, or if nothing that it is about changed, send none.

        `changed` has the new value of each column that the update has changed.
        """
        sentences = list(_sentences(update, changed))
        if not update.message or not sentences:
            return
        effects = " ".join(EFFECTS[each] for each in sentences if each in EFFECTS)
        context = {"what": " ".join(sentences), "effects": effects, "message": update.message}
        recipient, key = changed.get("email", user.email), f"{KIND}:{secrets.token_hex(KEY_BYTES)}"
        await self._queue.enqueue(MailMessage(KIND, recipient, key, user.pk, context))


def _sentences(update: UserUpdate, changed: Mapping[str, Any]) -> Iterator[str]:
    if "is_active" in changed:
        yield REACTIVATED if changed["is_active"] else SUSPENDED
    if "plan_id" in changed:
        yield f"Your account is now on the plan {update.plan}."
