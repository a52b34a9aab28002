"""Reads and writes outgoing mail on the calling thread."""

from collections.abc import Sequence
from datetime import datetime
from math import ceil
from typing import Any

from apps.core.database.transactions import run_statement
from apps.mail.domain.message import MessageAllowance
from apps.mail.repositories.outgoing_mail_repository import SQL


class OldOutgoingMailRepository:
    """The messages' rows, in the transaction that is open on the calling thread."""

    def insert(self, **fields: Any) -> None:
        """Insert a message unless its key exists."""
        run_statement(SQL["enqueue"], fields)

    def seconds_until_account_may(self, user_id: int, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return in how many seconds the account may get another message of these kinds, or 0."""
        return _seconds_until("seconds_until_account_may", {"user_id": user_id}, kinds, allowance)

    def seconds_until_address_may(self, recipient: str, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Lock the address, and return in how many seconds it may get another message of these kinds, or 0."""
        run_statement(SQL["lock_recipient"], {"recipient": recipient})
        return _seconds_until("seconds_until_address_may", {"recipient": recipient}, kinds, allowance)

    def erase_account(self, user_id: int) -> None:
        """Blank the recipients of the account's messages; those that were not sent fail."""
        run_statement(SQL["erase_account"], {"user_id": user_id})

    def erase_address(self, recipient: str, until: datetime) -> None:
        """Do the same with messages to an address that belong to no account and were enqueued by `until`."""
        run_statement(SQL["erase_address"], {"recipient": recipient, "until": until})


def _seconds_until(name: str, whose: dict[str, Any], kinds: Sequence[str], allowance: MessageAllowance) -> int:
    rows = run_statement(SQL[name], {**whose, "kinds": list(kinds), **allowance._asdict()})
    return max(1, ceil(rows[0][0])) if rows else 0
