"""Collects the statements that are sent to the database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db.backends.utils import CursorWrapper

from apps.core.database.pipeline.service_transaction import ServiceTransaction

TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE)\s+"?(\w+)"?', re.IGNORECASE)
COMMENT = re.compile(r"--.*$", re.MULTILINE)


@contextmanager
def statements() -> Iterator[list[tuple[str, str]]]:
    """Collect the verb and the table of each statement in transactions inside the block, on all threads, in order."""
    with sql_statements() as seen:
        kinds: list[tuple[str, str]] = []
        yield kinds
        kinds += [_kind(sql) for sql in seen]


@contextmanager
def sql_statements() -> Iterator[list[str]]:
    """Collect the SQL of each statement in services' and Django's transactions inside the block, in order."""
    seen: list[str] = []
    run, run_named = CursorWrapper.execute, ServiceTransaction._run_named

    def execute(self, sql, params=None):
        seen.append(str(sql))
        return run(self, sql, params)

    async def execute_named(self, statement):
        seen.append(statement[0])
        return await run_named(self, statement)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", execute)
        patch.setattr(ServiceTransaction, "_run_named", execute_named)
        yield seen


def _kind(sql: str) -> tuple[str, str]:
    table = TABLE.search(sql)
    (verb, *_) = COMMENT.sub("", sql).split(maxsplit=1)
    return verb.upper(), table[1] if table else ""
