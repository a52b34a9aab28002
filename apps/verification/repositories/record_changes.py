"""Tells what has changed in the rows that verdicts depend on, so that a worker can use rows that it has cached.

A batch runs CHECK in its own transaction, after it has locked its rows. `docs/verification.md` describes the protocol.
"""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from apps.core.database.parameters import NumberedStatement
from apps.core.database.statements import load_statements

SQL = load_statements(Path(__file__).with_name("record_changes.sql"))
# Reloading more records than this takes longer than forgetting all of them.
CHANGES_MAXIMUM = 1_000
# The tables that have triggers, and the names of the two triggers on each.
WATCHED_TABLES = ("api_keys", "api_key_secrets", "users", "users_groups", "role_scopes", "plans", "plan_limits")
TRIGGER_NAMES = ("record_changes_update", "record_changes_rows")


def _check() -> NumberedStatement:
    tables = ", ".join(f"'{table}'::regclass" for table in WATCHED_TABLES)
    names = ", ".join(f"'{name}'" for name in TRIGGER_NAMES)
    text = SQL["check"].format(
        tables=f"ARRAY[{tables}]::oid[]",
        names=f"ARRAY[{names}]::name[]",
        triggers=len(WATCHED_TABLES) * len(TRIGGER_NAMES),
        maximum=CHANGES_MAXIMUM,
    )
    return NumberedStatement.of(text)


# Binds `snapshot` and `identity`, the texts of the last check, or None at first. Returns one row, of RecordChanges.
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
