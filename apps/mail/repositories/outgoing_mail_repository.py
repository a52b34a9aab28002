"""Reads and writes mail on its way out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any

from django.db.models.functions import Now

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.core.database.open_transaction import require_transaction
from apps.core.database.orm.queries import fetch_one
from apps.core.database.sql_files import load_statements
from apps.core.database.statements import execute, fetch_rows
from apps.core.database.transactions import run_in_transaction, run_statement
from apps.core.errors import NotFound
from apps.mail.domain.message import MessageAllowance
from apps.mail.models import ClaimedMail, OutgoingMail

SQL = load_statements(Path(__file__).with_name("outgoing_mails.sql"))


class OutgoingMailRepository:
    """The letters' rows."""

    def __init__(self, record_audit: RecordAudit) -> None:
        self._record_audit = record_audit

    async def insert(self, **fields: Any) -> None:
        """Insert a message, as part of a transaction, unless its key exists."""
        require_transaction("enqueue a message")
        await execute(SQL["enqueue"], fields)

    async def lock_recipient(self, recipient: str) -> None:
        """Make other transactions that lock the same recipient wait until this one ends."""
        await fetch_rows(SQL["lock_recipient"], {"recipient": recipient})

    async def seconds_until_account_may(self, user_id: int, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return in how many seconds the account may get another message of these kinds, or 0."""
        return await _seconds_until("wait_of_account", {"user_id": user_id}, kinds, allowance)

    async def seconds_until_address_may(self, recipient: str, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return in how many seconds the address may get another message of these kinds, or 0."""
        return await _seconds_until("wait_to_address", {"recipient": recipient}, kinds, allowance)

    def add(self, **fields: Any) -> None:
        """Insert a letter in the transaction that is open on the calling thread, unless its key is there already."""
        run_statement(SQL["enqueue"], fields)

    async def add_alone(self, **fields: Any) -> None:
        """Insert a letter as `add` does, in a transaction of its own."""
        await run_in_transaction(self.add, **fields)

    def wait_of_account(self, user_id: int, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return in how many seconds the account may have another letter of these kinds, or 0."""
        return _wait("wait_of_account", {"user_id": user_id}, kinds, allowance)

    def wait_to_address(self, recipient: str, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return in how many seconds the address may get another letter of these kinds, or 0.

        Whoever else asks for the address waits for the transaction that is open on the calling thread.
        """
        run_statement(SQL["lock_recipient"], {"recipient": recipient})
        return _wait("wait_to_address", {"recipient": recipient}, kinds, allowance)

    def forget_user(self, user_id: int) -> None:
        """Blank who got the account's letters, and give up the others, in the calling thread's open transaction."""
        run_statement(SQL["forget_user"], {"user_id": user_id})

    def forget_address(self, recipient: str, until: datetime) -> None:
        """Do the same with letters to an address until then that are no account's."""
        run_statement(SQL["forget_address"], {"recipient": recipient, "until": until})

    async def find_by_key(self, key: str) -> OutgoingMail | None:
        """Return the letter, or None."""
        return await fetch_one(OutgoingMail.objects.filter(key=key))

    async def claim(self, maximum: int, lease_seconds: int, key: str | None = None) -> list[ClaimedMail]:
        """Claim at most so many letters that are due, or the one of this key if it is; a claim lapses."""
        values = {"maximum": maximum, "lease_seconds": lease_seconds, "key": key}
        return [ClaimedMail(*row) for row in await fetch_rows(SQL["claim"], values)]

    async def note_sent(self, mail_id: int) -> None:
        """Mark the letter sent, and blank what it said."""
        await fetch_rows(SQL["note_sent"], {"id": mail_id})

    async def note_failure(self, mail: ClaimedMail, error: str, *, wait_seconds: int, is_final: bool) -> None:
        """Note why the letter could not be sent, and when it is tried again, if it is."""
        outcome = {"error": error, "wait_seconds": wait_seconds, "is_final": is_final}
        await fetch_rows(SQL["note_failure"], {"id": mail.id, "attempts": mail.attempts, **outcome})

    async def send_again(self, mail_id: int, audit: AuditEntry) -> bool:
        """Make a letter due again, and return whether it was given up and still leads somewhere; raises NotFound."""
        return await run_in_transaction(self._send_again, mail_id, audit)

    async def remove_old(self, maximum: int) -> int:
        """Remove at most so many letters that were sent, given up or over 30 days ago, and return how many."""
        return int((await fetch_rows(SQL["remove_old"], {"maximum": maximum}))[0][0])

    def _send_again(self, mail_id: int, audit: AuditEntry) -> bool:
        mail = OutgoingMail.objects.select_for_update().filter(pk=mail_id).first()
        if mail is None:
            raise NotFound
        given_up = OutgoingMail.objects.filter(pk=mail_id, failed_at__isnull=False, context_encrypted__isnull=False)
        is_due = given_up.filter(expires_at__gt=Now()).update(failed_at=None, due_at=Now()) == 1
        if is_due:
            after = {"kind": mail.kind, "attempts": mail.attempts, "error": mail.error}
            self._record_audit(replace(audit, target_id=mail_id, after=after))
        return is_due


async def _seconds_until(name: str, whose: dict[str, Any], kinds: Sequence[str], allowance: MessageAllowance) -> int:
    rows = await fetch_rows(SQL[name], {**whose, "kinds": list(kinds), **allowance._asdict()})
    return max(1, ceil(rows[0][0])) if rows else 0


def _wait(name: str, whose: dict[str, Any], kinds: Sequence[str], allowance: MessageAllowance) -> int:
    rows = run_statement(SQL[name], {**whose, "kinds": list(kinds), **allowance._asdict()})
    return max(1, ceil(rows[0][0])) if rows else 0
