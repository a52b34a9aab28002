"""Placeholder until the branch of record_changes is merged."""

from datetime import datetime
from typing import Any, NamedTuple, Self
from apps.core.database.parameters import NumberedStatement

CHECK = NumberedStatement.of(
    "SELECT pg_current_snapshot()::text, 'x'::text, statement_timestamp(), coalesce(%(snapshot)s::text || %(identity)s::text, '') WHERE true"
)


class RecordChanges(NamedTuple):
    snapshot: str
    identity: str
    now: datetime
    is_everything: bool
    key_ids: frozenset
    user_ids: frozenset

    @classmethod
    def of(cls, row):
        return cls(row[0], row[1], row[2], True, frozenset(), frozenset())

    def concerns(self, record):
        return self.is_everything or record.key_id in self.key_ids or record.user_id in self.user_ids
