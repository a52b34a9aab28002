"""Notes, for every transaction that a service opens, which operation it is and what it locks and writes."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

import pytest

from apps.core.database.pipeline.service_transaction import ServiceTransaction
from tests.support.captured_sql import CapturedSql

OPENER = "apps.core.database.transaction"
# `make mutate` runs a method as a copy of it: Class.xǁClassǁmethod__mutmut_1.
COPY = re.compile("x\u01c1[^.]+\u01c1(.+)__mutmut_[^.]+")


@dataclass
class OperationTransaction:
    """One transaction of the operation with this name, such as `api_keys.ApiKeyService.create`."""

    operation: str
    sql: CapturedSql = field(default_factory=CapturedSql)


@contextmanager
def service_transactions() -> Iterator[list[OperationTransaction]]:
    """Note the transactions inside that commit. Those that a test opens itself are left out."""
    committed: list[OperationTransaction] = []
    initialise, send, commit = ServiceTransaction.__init__, ServiceTransaction.send, ServiceTransaction.commit

    def initialise_and_note(self, borrowed, borrowing):
        self._noted = OperationTransaction(_operation(sys._getframe()))
        initialise(self, borrowed, borrowing)

    def send_and_note(self, sql, parameters):
        self._noted.sql.statements.append(sql)
        send(self, sql, parameters)

    async def commit_and_note(self):
        await commit(self)
        if self._noted.operation:
            committed.append(self._noted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ServiceTransaction, "__init__", initialise_and_note)
        patch.setattr(ServiceTransaction, "send", send_and_note)
        patch.setattr(ServiceTransaction, "commit", commit_and_note)
        yield committed


def _operation(frame: FrameType | None) -> str:
    """Return the operation whose `async with transaction():` is being entered, or "" for one of a test."""
    while frame and (_module(frame) in {__name__, OPENER} or not _module(frame).startswith(("apps.", "tests."))):
        frame = frame.f_back
    if frame is None or _module(frame).startswith("tests."):
        return ""
    return f"{_module(frame).split('.')[1]}.{COPY.sub(r'\1', frame.f_code.co_qualname)}"


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
