"""The transaction that is open in the running task. Statements join it; waiting for anything else raises."""

import asyncio
from contextvars import ContextVar
from typing import Any

from apps.core.database.lock_order import COVERED, LOCK_ORDER, LockOrderBroken, rank_of


class NoTransaction(RuntimeError):
    """Code that requires an open transaction was called without one. This is a bug."""


class WaitInTransaction(RuntimeError):
    """Code inside a transaction tried to wait for something other than its connection. This is a bug.

    The transaction would hold its row locks for as long as it waits.
    """


class OpenTransaction:
    """The connection of a transaction, and the only task that may use it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.task = asyncio.current_task()
        self.is_open = True
        self._locked_rank = -1  # the position in LOCK_ORDER of the last table with locked rows
        self._locked: set[str] = set()

    def lock(self, table: str) -> None:
        """Record that rows of the table are about to be locked. Raises LockOrderBroken."""
        rank = rank_of(table)
        if rank < self._locked_rank:
            raise LockOrderBroken(f"{table} is locked after {LOCK_ORDER[self._locked_rank]}; see {rank_of.__module__}.")
        if COVERED.get(table, table) not in {*self._locked, table}:
            raise LockOrderBroken(f"{table} is locked without {COVERED[table]}; see {rank_of.__module__}.")
        self._locked_rank = rank
        self._locked.add(table)


# A task that is created inside a transaction inherits this value, and may outlive the transaction.
_innermost: ContextVar[OpenTransaction | None] = ContextVar("open_transaction", default=None)


def enter_transaction(connection: Any) -> OpenTransaction:
    """Set the transaction of the running task."""
    opened = OpenTransaction(connection)
    _innermost.set(opened)
    return opened


def leave_transaction(opened: OpenTransaction) -> None:
    """Clear the transaction of the running task."""
    opened.is_open = False
    _innermost.set(None)


def open_connection() -> Any | None:
    """Return the connection of the transaction that is open in the running task, or None.

    Raises WaitInTransaction in a task that was created inside the transaction: the statements of two tasks would mix.
    """
    opened = _innermost.get()
    if opened is None or not opened.is_open:
        return None
    if opened.task is not asyncio.current_task():
        raise WaitInTransaction("A task that was created inside a transaction cannot use the transaction.")
    return opened.connection


def require_transaction(what: str) -> OpenTransaction:
    """Return the open transaction. Raises NoTransaction, with `what` in the message, when none is open."""
    opened = _innermost.get()
    if opened is None or not opened.is_open:
        raise NoTransaction(f"Cannot {what} without a transaction. Open one by apps.core.database.transaction.")
    return opened


def refuse_in_transaction(what: str) -> None:
    """Raise WaitInTransaction when a transaction is open, because it would hold its locks while waiting for `what`."""
    opened = _innermost.get()
    if opened is not None and opened.is_open:
        raise WaitInTransaction(f"Code inside a transaction must not wait for {what}.")
