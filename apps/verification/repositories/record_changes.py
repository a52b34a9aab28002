"""Reads what has changed in the rows that verdicts depend on, so that a worker can use rows that it has cached.

A batch runs CHECK in its own transaction, after it has locked its rows. See "Cached records" in docs/verification.md.
"""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from apps.core.database.parameters import NumberedStatement, array_of_texts
from apps.core.database.statements import fetch_rows, load_statements

SQL = load_statements(Path(__file__).with_name("record_changes.sql"))
# Reloading more records than this takes longer than forgetting all of them.
CHANGES_MAXIMUM = 1_000
RECORD_TABLES = ("users", "users_groups", "api_keys", "api_key_secrets", "role_scopes", "plans", "plan_limits")
# By table and name. Without one of them, CHECK allows no use of cached records.
TRIGGERS = (
    *((table, name) for table in RECORD_TABLES for name in ("record_changes_update", "record_changes_rows")),
    ("record_changes", "record_changes_floor"),
)


def _check() -> NumberedStatement:
    tables = (f"'{table}'::regclass" for table in (*RECORD_TABLES, "record_changes"))
    names = sorted({name for _, name in TRIGGERS})
    text = SQL["check"].format(
        tables=f"ARRAY[{', '.join(tables)}]::oid[]",
        names=f"'{array_of_texts(names)}'::name[]",
        triggers=len(TRIGGERS),
        maximum=CHANGES_MAXIMUM,
    )
    return NumberedStatement.of(text)


# Binds `snapshot` and `identity`, the texts of the last check, or None at first. Returns one row, of RecordChanges.
# It must not run in a transaction that itself changes records: snapshots do not show what their own transaction does.
CHECK = _check()


class RecordChanges(NamedTuple):
    """What CHECK returns: where the next check continues, and what has changed since the last.

    Unless `is_continuous`, everything that is cached must be forgotten. Otherwise only the records of these keys and
    accounts; None stands for none.
    """

    snapshot: str
    identity: str
    now: datetime
    is_continuous: bool
    key_ids: list[int] | None
    user_ids: list[int] | None


class FaultyTrigger(NamedTuple):
    """A trigger that is missing, or does not always fire."""

    table: str
    name: str
    exists: bool


class RecordChangeRepository:
    """The rows of changes, which triggers write and batches read."""

    async def remove_old(self, maximum: int) -> int:
        """Remove up to `maximum` changes that are older than an hour, and return how many."""
        return int((await fetch_rows(SQL["remove_old"], [maximum]))[0][0])

    async def faulty_triggers(self) -> list[FaultyTrigger]:
        """Return the triggers that are missing or disabled; none in a database without the table."""
        tables, names = zip(*TRIGGERS, strict=True)
        expected = {"tables": array_of_texts(tables), "names": array_of_texts(names)}
        return [FaultyTrigger(*row) for row in await fetch_rows(SQL["faulty_triggers"], expected)]
