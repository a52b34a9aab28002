"""What PostgreSQL wrote in an interval, and what the transactions of one database waited for, seen from outside."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

SECONDS_BETWEEN_LOOKS = 0.04  # 25 a second take some hundredths of a core
OPEN = "open"
COMMITTING = "committing"
LOCKED = "locked"
# Of the whole cluster, and exact at every moment, unlike the statistics, which come up to a second late.
WRITTEN = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, (pg_current_wal_insert_lsn() - '0/0')::bigint"
CHECKPOINTS = "SELECT num_timed + num_requested FROM pg_stat_checkpointer"
LOOK = """
SELECT
    count(*),
    count(*) FILTER (WHERE wait_event IN ('WalSync', 'WalWrite', 'WALWrite')),
    count(*) FILTER (WHERE wait_event_type = 'Lock')
FROM pg_stat_activity
WHERE datname = %s AND backend_type = 'client backend' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Written:
    """Transactions that have written, and bytes of write-ahead log, since the cluster was made."""

    transactions: int
    wal_bytes: int


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server: its first process, and a connection that looks at it."""

    pid: int
    connection: psycopg.Connection

    def written(self) -> Written:
        """Return how far the cluster is."""
        row = self.connection.execute(WRITTEN).fetchone() or (0, 0)
        return Written(*row)

    def checkpoint(self) -> None:
        """Write everything down now, so that the next change to any page logs the whole page."""
        self.connection.execute("CHECKPOINT")

    def checkpoints(self) -> int:
        """Return how many there have been."""
        row = self.connection.execute(CHECKPOINTS).fetchone() or (0,)
        return int(row[0])

    def setting(self, name: str) -> str:
        """Return one of the server's settings, as it says it is."""
        row = self.connection.execute("SELECT current_setting(%s)", [name]).fetchone() or ("",)
        return str(row[0])

    def waits(self, database: str, until: float) -> dict[str, float]:
        """Look again and again until then; return how many transactions were open, committing, locked on average."""
        seen: Counter[str] = Counter()
        looks = 0
        while (left := until - time.perf_counter()) > 0:
            time.sleep(min(left, SECONDS_BETWEEN_LOOKS))
            row = self.connection.execute(LOOK, [database]).fetchone() or (0, 0, 0)
            seen.update(dict(zip((OPEN, COMMITTING, LOCKED), row, strict=True)))
            looks += 1
        return {what: number / looks for what, number in seen.items()}


@contextmanager
def watching(data: Path, url: str) -> Iterator[Postgres]:
    """Watch the running server of a data directory by a connection of its own."""
    pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    with psycopg.connect(url, autocommit=True) as connection:
        yield Postgres(pid, connection)
