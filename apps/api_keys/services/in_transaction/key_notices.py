"""Notifies owners by mail of keys that are new, rotated or loosened."""

import secrets
from collections.abc import Mapping, Sequence
from enum import StrEnum

from apps.api_keys.models import ApiKey
from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.api_keys.services.in_transaction.key_review_links import KeyReviewLinks
from apps.core.authorization.principal import Principal
from apps.core.request_context import current_request
from apps.mail.domain.message import FIVE_AN_HOUR, MailMessage, link_to
from apps.mail.services.in_transaction.message_queue import MessageQueue
from apps.users.services.in_transaction.accounts import Accounts, MailRecipient
from apps.users.services.in_transaction.security_notifier import moment_text

SINGLE, GATHERED = "api_key_notice", "api_keys_changed"
KEY_BYTES = 8
UNKNOWN = "unknown"


class KeyChange(StrEnum):
    """What has happened to a key, as one sentence: the subject of the message."""

    CREATED = "A new API key was created for your account."
    ROTATED = "An API key of your account got a new secret."
    LOOSENED = "The limits of an API key of your account were loosened."


class KeyNotices:
    """Enqueues a message about a changed key in the caller's transaction, which has locked the owner's account.

    An account gets up to five messages about single changes an hour. Further changes are counted in one message, which
    is sent when the next one about a single change would be allowed: a program that creates thousands of keys causes
    six messages an hour. The count is exact over workers, because the account is locked. A mailbox whose address is not
    verified gets no more than that from all accounts that have signed up with its addresses.
    """

    def __init__(self, accounts: Accounts, keys: ApiKeyRepository, links: KeyReviewLinks, queue: MessageQueue) -> None:
        self._accounts = accounts
        self._keys = keys
        self._links = links
        self._queue = queue

    async def notify(
        self, actor: Principal, key: ApiKey, change: KeyChange, loosened: Sequence[str] = (), message: str = ""
    ) -> None:
        """Notify the key's owner, unless the account has been erased; `loosened` are the bounds that were.

        A change with a message of staff has a mail of its own, however many there were. An owner's own message is not
        sent: their address may be that of another person.
        """
        recipient = await self._accounts.mail_recipient(key.user_id)
        if recipient is None:
            return
        told = "" if actor.user_id == key.user_id else message
        wait_seconds = 0 if told else await self._queue.wait_seconds_for_account(key.user_id, [SINGLE], FIVE_AN_HOUR)
        if wait_seconds:
            await self._gather(key.user_id, change, recipient, wait_seconds)
        else:
            texts = {"loosened": ", ".join(loosened), "message": told}
            await self._enqueue(actor, key, change, recipient, texts)

    async def _enqueue(
        self, actor: Principal, key: ApiKey, change: KeyChange, recipient: MailRecipient, texts: Mapping[str, str]
    ) -> None:
        context = {
            "what": change.value,
            "key": _shown(key, recipient),
            **texts,
            "moment": moment_text(recipient.moment),
            **await self._origin(actor, key, recipient),
            **_ways_out(await self._links.issue(key.user_id, key.pk)),
        }
        message = MailMessage(SINGLE, recipient.address, _message_key(SINGLE), key.user_id, context)
        is_certain = recipient.may_be_shown_texts or bool(texts["message"])
        await self._queue.enqueue_notice(message, is_verified=is_certain)

    async def _gather(self, user_id: int, change: KeyChange, recipient: MailRecipient, wait_seconds: int) -> None:
        waiting = await self._queue.lock_waiting(user_id, GATHERED)
        if waiting:
            await self._queue.replace_context(waiting, _counted(waiting.context, change))
            return
        ways_out = _ways_out(await self._links.issue(user_id))
        context = _counted({"since": moment_text(recipient.moment), **ways_out}, change)
        message_key = _message_key(GATHERED)
        message = MailMessage(GATHERED, recipient.address, message_key, user_id, context, delay_seconds=wait_seconds)
        await self._queue.enqueue_notice(message, is_verified=recipient.may_be_shown_texts)

    async def _origin(self, actor: Principal, key: ApiKey, recipient: MailRecipient) -> dict[str, str]:
        """Return who has changed the key; customers are not shown which member of staff, from which address."""
        if actor.user_id != key.user_id:
            return {"by_staff": "yes", "by_key": "", "address": ""}
        by_key = ""
        if actor.api_key_id is not None:
            by_key = _shown(await self._keys.get(actor.api_key_id), recipient)
        return {"by_staff": "", "by_key": by_key, "address": current_request().client_address or UNKNOWN}


def _ways_out(token: str) -> dict[str, str]:
    return {"link": link_to("api-keys", token=token), "reset_link": link_to("forgot-password")}


def _counted(context: Mapping[str, str], change: KeyChange) -> dict[str, str]:
    """Return the context of a message about several changes with one more."""
    counts = {each: int(context.get(each.name.lower(), "0")) + (each is change) for each in KeyChange}
    numbers = {each.name.lower(): str(number) for each, number in counts.items()}
    return {**context, **numbers, "total": str(sum(counts.values()))}


def _shown(key: ApiKey, recipient: MailRecipient) -> str:
    """Return the key's name and visible prefix.

    To an address that is not verified, the prefix alone: a person who has signed up with another's address must not
    send texts to it.
    """
    prefix = f"{vars(key)['prefix']}…"
    return f"{key.name} ({prefix})" if recipient.may_be_shown_texts else prefix


def _message_key(kind: str) -> str:
    return f"{kind}:{secrets.token_hex(KEY_BYTES)}"
