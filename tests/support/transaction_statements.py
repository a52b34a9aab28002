"""The locks and writes that transactions of services send."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from apps.core.database.pipeline.service_transaction import ServiceTransaction

LOCK = re.compile(r'FOR (?:NO KEY )?UPDATE OF "(\w+)"')
WRITE = re.compile(r'^(INSERT INTO|UPDATE|DELETE FROM) "?(\w+)"?')
VERBS = {"INSERT INTO": "insert", "UPDATE": "update", "DELETE FROM": "delete"}


@contextmanager
def locks_and_writes() -> Iterator[list[str]]:
    """Collect the row locks and writes inside, such as `lock users` or `insert api_keys`, in order; reads are left out.

    Writes of the audit trail are left out too: each transaction ends with one.
    """
    seen: list[str] = []
    send = ServiceTransaction.send

    def send_and_collect(self, sql, parameters):
        found = _lock_or_write(sql)
        if found and found != "insert audit_events":
            seen.append(found)
        send(self, sql, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ServiceTransaction, "send", send_and_collect)
        yield seen


def _lock_or_write(sql: str) -> str | None:
    if lock := LOCK.search(sql):
        return f"lock {lock[1]}"
    write = WRITE.match(re.sub(r"--.*$", "", sql, flags=re.MULTILINE).lstrip())
    return f"{VERBS[write[1]]} {write[2]}" if write else None
