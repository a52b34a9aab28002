"""Captures the SQL of services' transactions, to check what they lock before they write.

with captured() as sql:
    await service.rename(…)
assert sql.changes == ["lock users", "lock api_keys", "update api_keys"]
assert sql.locks == ["users", "api_keys"]
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db.backends.utils import CursorWrapper

from apps.core.database.pipeline.service_transaction import ServiceTransaction

AUDIT = "insert audit_events"
ADVISORY_LOCK = "lock advisory"
LOCK = re.compile(r'FROM "?(\w+)"?.* FOR (?:NO KEY )?UPDATE(?: OF "?(\w+)"?)?', re.DOTALL)
TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE)\s+"?(\w+)"?', re.IGNORECASE)
COMMENT = re.compile(r"--.*$", re.MULTILINE)
WRITES = {"INSERT", "UPDATE", "DELETE"}
COUNTERS = "rate_limit_counters"


class CapturedSql:
    """The statements of one transaction or more, from BEGIN to COMMIT or ROLLBACK."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    @property
    def steps(self) -> list[str]:
        """The locks and writes in order, such as `lock users` and `insert api_keys`; reads are left out."""
        return [step for step in map(step_of, self.statements) if step]

    @property
    def changes(self) -> list[str]:
        """The steps without the audit events, which most transactions end with."""
        return [step for step in self.steps if step != AUDIT]

    @property
    def locks(self) -> list[str]:
        """The tables whose rows are locked, in order."""
        return [step.removeprefix("lock ") for step in self.steps if step.startswith("lock ")]

    @property
    def transactions(self) -> list["CapturedSql"]:
        """Each transaction on its own."""
        found: list[CapturedSql] = []
        for sql in self.statements:
            if sql == "BEGIN":
                found.append(CapturedSql())
            found[-1].statements.append(sql)
        return found


@contextmanager
def captured() -> Iterator[CapturedSql]:
    """Capture the SQL of the services' transactions inside."""
    found = CapturedSql()
    send = ServiceTransaction.send

    def send_and_capture(self, sql, parameters):
        found.statements.append(sql)
        send(self, sql, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ServiceTransaction, "send", send_and_capture)
        yield found


@contextmanager
def all_statements() -> Iterator[list[tuple[str, str]]]:
    """Capture the verb and the table of each statement inside, of services' transactions and of Django, in order.

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


def step_of(sql: str) -> str | None:
    """Return what the statement locks or writes, None for any other."""
    if "pg_advisory_xact_lock" in sql:
        return ADVISORY_LOCK
    if lock := LOCK.search(sql):
        return f"lock {lock[2] or lock[1]}"
    verb, table = _kind(sql)
    return f"{verb.lower()} {table}" if verb in WRITES else None


def _kind(sql: str) -> tuple[str, str]:
    statement = COMMENT.sub("", sql)
    table = TABLE.search(statement)
    return statement.split(maxsplit=1)[0].upper(), table[1] if table else ""
