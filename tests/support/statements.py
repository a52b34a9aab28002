"""Collects the statements that are sent to the database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db.backends.utils import CursorWrapper

from apps.core.database.pipeline.service_transaction import ServiceTransaction

TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE)\s+"?(\w+)"?', re.IGNORECASE)
COUNTERS = "rate_limit_counters"
COMMENT = re.compile(r"--.*$", re.MULTILINE)


@contextmanager
def statements() -> Iterator[list[tuple[str, str]]]:
    """Collect the verb and the table of each statement inside, in transactions on whatever thread, in order.

    The counters of rate limits are left out: whether a call inserts or updates one depends on the calls before it.
    """
    seen: list[tuple[str, str]] = []
    run, run_natively = CursorWrapper.execute, ServiceTransaction._run_named

    def collect(sql):
        if (kind := _kind(sql))[1] != COUNTERS:
            seen.append(kind)

    def execute(self, sql, params=None):
        collect(str(sql))
        return run(self, sql, params)

    async def execute_natively(self, statement):
        collect(statement[0])
        return await run_natively(self, statement)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", execute)
        patch.setattr(ServiceTransaction, "_run_named", execute_natively)
        yield seen


@contextmanager
def service_statements() -> Iterator[list[str]]:
    """Collect the SQL that the transactions of services send inside, from BEGIN to COMMIT or ROLLBACK, in order."""
    seen: list[str] = []
    send = ServiceTransaction.send

    def send_and_collect(self, sql, parameters):
        seen.append(sql)
        send(self, sql, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ServiceTransaction, "send", send_and_collect)
        yield seen


def _kind(sql: str) -> tuple[str, str]:
    table = TABLE.search(sql)
    (verb, *_) = COMMENT.sub("", sql).split(maxsplit=1)
    return verb.upper(), table[1] if table else ""
