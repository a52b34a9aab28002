"""Reads and writes outgoing mail."""

from collections.abc import Sequence
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from apps.core.database.open_transaction import require_transaction
from apps.core.database.orm.entity_repository import existing
from apps.core.database.orm.queries import fetch_one, lock_one
from apps.core.database.orm.writes import update
from apps.core.database.statements import execute, fetch_rows, load_statements
from apps.mail.domain.message import ClaimedMessage, MessageAllowance
from apps.mail.models import OutgoingMail

SQL = load_statements(Path(__file__).with_name("outgoing_mails.sql"))
HAS_EXPIRED = ExpressionWrapper(Q(expires_at__lte=Now()), BooleanField())


class OutgoingMailRepository:
    """The messages' rows."""

    async def insert(self, **fields: Any) -> None:
        """Insert a message, as part of a transaction, unless its key exists."""
        require_transaction("enqueue a message")
        await execute(SQL["enqueue"], fields)

    async def lock_recipient(self, recipient: str) -> None:
        """Lock the recipient: transactions that lock the same recipient wait for each other."""
        await fetch_rows(SQL["lock_recipient"], {"recipient": recipient})

    async def wait_seconds_for_account(self, user_id: int, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return the seconds until the account may get another message of these kinds, or 0."""
        return await _seconds_until("wait_seconds_for_account", {"user_id": user_id}, kinds, allowance)

    async def wait_seconds_for_address(self, recipient: str, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return the seconds until the address may get another message of these kinds, or 0."""
        return await _seconds_until("wait_seconds_for_address", {"recipient": recipient}, kinds, allowance)

    async def lock_waiting(self, user_id: int, kind: str) -> OutgoingMail | None:
        """Lock and return the account's message of this kind that no worker has claimed, or None."""
        waiting = OutgoingMail.objects.filter(user_id=user_id, kind=kind, attempts=0, sent_at=None, failed_at=None)
        return await lock_one(waiting.filter(expires_at__gt=Now()))

    async def set_context(self, message_id: int, sealed: bytes) -> None:
        """Replace the encrypted context of a locked message."""
        await update(OutgoingMail.objects.filter(pk=message_id), context_encrypted=sealed)

    async def find_by_key(self, key: str) -> OutgoingMail | None:
        """Return the message, or None."""
        return await fetch_one(OutgoingMail.objects.filter(key=key))

    async def lock(self, message_id: int) -> OutgoingMail:
        """Lock the message and return it with `has_expired`; raises NotFound."""
        messages = OutgoingMail.objects.filter(pk=message_id).annotate(has_expired=HAS_EXPIRED)
        return existing(await lock_one(messages))

    async def make_due(self, message: OutgoingMail) -> None:
        """Make a locked message due now, and clear its failure."""
        await update(OutgoingMail.objects.filter(pk=message.pk), failed_at=None, due_at=Now())

    async def claim(self, maximum: int, lease_seconds: int, key: str | None = None) -> list[ClaimedMessage]:
        """Claim up to `maximum` due messages, or the one with this key if it is due; a claim expires."""
        values = {"maximum": maximum, "lease_seconds": lease_seconds, "key": key}
        return [ClaimedMessage(*row) for row in await fetch_rows(SQL["claim"], values)]

    async def mark_sent(self, message_id: int) -> None:
        """Mark the message as sent, and blank its context."""
        await execute(SQL["mark_sent"], {"id": message_id})

    async def record_failure(self, message: ClaimedMessage, error: str, *, wait_seconds: int, is_final: bool) -> None:
        """Store why the message could not be sent, and when the next attempt is due unless the failure is final."""
        outcome = {"error": error, "wait_seconds": wait_seconds, "is_final": is_final}
        await execute(SQL["record_failure"], {"id": message.id, "attempts": message.attempts, **outcome})

    async def remove_old(self, maximum: int) -> int:
        """Remove up to `maximum` messages that were sent, failed or expired 30 days ago, and return how many."""
        return int((await fetch_rows(SQL["remove_old"], {"maximum": maximum}))[0][0])

    async def erase_account(self, user_id: int) -> None:
        """Blank the recipients of the account's messages; those that were not sent fail."""
        await execute(SQL["erase_account"], {"user_id": user_id})

    async def erase_address(self, recipient: str, until: datetime) -> None:
        """Blank the address in messages that belong to no account and were enqueued by `until`; unsent ones fail."""
        await execute(SQL["erase_address"], {"recipient": recipient, "until": until})


async def _seconds_until(
    name: str, recipient: dict[str, Any], kinds: Sequence[str], allowance: MessageAllowance
) -> int:
    rows = await fetch_rows(SQL[name], {**recipient, "kinds": list(kinds), **allowance._asdict()})
    return max(1, ceil(rows[0][0])) if rows else 0
