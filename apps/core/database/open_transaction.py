"""Which transaction is open in the running task: statements join it, and waits for anything else are refused."""

import asyncio
from contextvars import ContextVar
from typing import Any

from apps.core.database.lock_order import LOCK_ORDER, LockOrderBroken, rank_of


class NoTransaction(RuntimeError):
    """A bug: what must be part of a transaction was called where none is open."""


class WaitInTransaction(RuntimeError):
    """A bug: code inside a transaction tried to wait for something but its own connection, while it holds row locks."""


class OpenTransaction:
    """The connection of a transaction, and the one task that may use it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.task = asyncio.current_task()
        self.is_open = True
        self._locked = -1  # the place in LOCK_ORDER of the last table with locked rows

    def lock(self, table: str) -> None:
        """Note that rows of the table are about to be locked; raises LockOrderBroken."""
        rank = rank_of(table)
        if rank < self._locked:
            raise LockOrderBroken(f"{table} is locked after {LOCK_ORDER[self._locked]}; see {rank_of.__module__}.")
        self._locked = rank


# A task that is created inside a transaction inherits it, and may live longer than it.
_innermost: ContextVar[OpenTransaction | None] = ContextVar("open_transaction", default=None)


def enter_transaction(connection: Any) -> OpenTransaction:
    """Make this the transaction of the running task."""
    opened = OpenTransaction(connection)
    _innermost.set(opened)
    return opened


def leave_transaction(opened: OpenTransaction) -> None:
    """Let the task have no transaction."""
    opened.is_open = False
    _innermost.set(None)


def open_connection() -> Any | None:
    """Return the connection of the transaction that is open in the running task, or None.

    Raises WaitInTransaction in a task that was created inside the transaction: statements of two tasks would mix.
    """
    opened = _innermost.get()
    if opened is None or not opened.is_open:
        return None
    if opened.task is not asyncio.current_task():
        raise WaitInTransaction("A task that was created inside a transaction cannot use it.")
    return opened.connection


def require_transaction(what: str) -> OpenTransaction:
    """Return the open transaction; raises NoTransaction where `what` is not part of one."""
    opened = _innermost.get()
    if opened is None or not opened.is_open:
        raise NoTransaction(f"{what}: open a transaction first (apps.core.database.transaction).")
    return opened


def refuse_in_transaction(what: str) -> None:
    """Raise WaitInTransaction when a transaction is open: it would hold its locks while it waits for `what`."""
    opened = _innermost.get()
    if opened is not None and opened.is_open:
        raise WaitInTransaction(f"Nothing inside a transaction may wait for {what}.")
