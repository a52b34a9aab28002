"""What an interval of measuring took, seen from a process that does nothing else meanwhile."""

from dataclasses import dataclass
from time import perf_counter, sleep

from tests.benchmarks.postgres_activity import Postgres, Written
from tests.benchmarks.processor_time import Processes, Reading, Used
from tests.benchmarks.programs import Server

SERVER = "server"
GENERATOR = "generator"


@dataclass(frozen=True, slots=True)
class Interval:
    """Two moments of `perf_counter`, which is the same clock in all processes."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Observed:
    """How far everything was at a moment."""

    readings: dict[str, Reading]
    written: Written


def observe(served: Server, generator: int, interval: Interval, *, watches_waits: bool = False) -> Used:
    """Return at the end of the interval what the server, its databases and the load generator used in it."""
    processes = {SERVER: Processes(served.pid), GENERATOR: Processes(generator), **served.databases()}
    sleep(max(0.0, interval.begin - perf_counter()))
    before = _look(processes, served.postgres)
    is_watched = watches_waits and served.postgres is not None
    waits = served.postgres.waits(served.database, interval.end) if is_watched and served.postgres else {}
    sleep(max(0.0, interval.end - perf_counter()))
    return used(before, _look(processes, served.postgres), waits)


def used(before: Observed, after: Observed, waits: dict[str, float]) -> Used:
    """Return what was used between two looks."""
    seconds = {name: reading.since(before.readings[name]) for name, reading in after.readings.items()}
    return Used(
        seconds=after.readings[SERVER].moment - before.readings[SERVER].moment,
        server=seconds.pop(SERVER),
        generator=seconds.pop(GENERATOR),
        database=sum(seconds.values()),
        transactions=after.written.transactions - before.written.transactions,
        wal_bytes=after.written.wal_bytes - before.written.wal_bytes,
        waits=waits,
    )


def _look(processes: dict[str, Processes], postgres: Postgres | None) -> Observed:
    readings = {name: its.read() for name, its in processes.items()}
    return Observed(readings, postgres.written() if postgres else Written(0, 0))
