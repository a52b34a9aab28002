"""Counts what is asked of the database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db.backends.utils import CursorWrapper

TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE)\s+"?(\w+)"?', re.IGNORECASE)
COMMENT = re.compile(r"--.*$", re.MULTILINE)


@contextmanager
def statements() -> Iterator[list[tuple[str, str]]]:
    """Collect the verb and the table of each statement inside, in transactions on whatever thread, in order."""
    seen: list[tuple[str, str]] = []
    run = CursorWrapper.execute

    def execute(self, sql, params=None):
        seen.append(_kind(str(sql)))
        return run(self, sql, params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", execute)
        yield seen


def _kind(sql: str) -> tuple[str, str]:
    table = TABLE.search(sql)
    (verb, *_) = COMMENT.sub("", sql).split(maxsplit=1)
    return verb.upper(), table[1] if table else ""
