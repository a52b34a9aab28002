"""How much processor time processes use, all their threads and children included.

Unlike requests per second, it hardly depends on what else the machine does meanwhile.
"""

import re
import time
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

# What PostgreSQL calls its processes: a connection `cluster: user database host state`, or its autovacuum worker.
CONNECTION = re.compile(r"^postgres: (?:\S+: )?\S+ (\S+) (?:\[local\]|\S+\(\d+\)) ")
AUTOVACUUM = re.compile(r"^postgres: (?:\S+: )?autovacuum worker (\S+)")


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds by process id. `ended` is what the children that have ended used in all."""

    moment: float
    seconds: dict[int, float]
    uncounted: frozenset[int] = frozenset()
    ended: float = 0.0

    def since(self, before: "Reading") -> float:
        """Return the seconds used between two readings, by processes that have begun or ended meanwhile too."""
        counted = self.seconds.keys() - self.uncounted
        living = sum(self.seconds[pid] - before.seconds.get(pid, 0.0) for pid in counted)
        ended_before = sum(used for pid, used in before.seconds.items() if pid not in self.seconds)
        return living + max(0.0, self.ended - before.ended - ended_before)


@dataclass(frozen=True, slots=True)
class Processes:
    """A process and its descendants; of PostgreSQL's, without those that serve a database other than `database`."""

    root: int
    database: str = ""

    def read(self) -> Reading:
        """Return how much each has used so far. The root must live."""
        root = psutil.Process(self.root)
        processes = [root, *root.children(recursive=True)]
        seconds: dict[int, float] = {}
        for process in processes:
            with suppress(OSError, psutil.NoSuchProcess):
                seconds[process.pid] = processor_seconds(process.pid)
        others = frozenset(process.pid for process in processes if self._is_of_another_database(process))
        return Reading(time.perf_counter(), seconds, others, _seconds_of_ended_children(root))

    def _is_of_another_database(self, process: psutil.Process) -> bool:
        if not self.database:
            return False
        with suppress(psutil.NoSuchProcess):
            return database_in(" ".join(process.cmdline())) not in {None, self.database}
        return True


def database_in(title: str) -> str | None:
    """Return the database that a process of PostgreSQL serves, from its title; None for one that serves all."""
    found = CONNECTION.match(title) or AUTOVACUUM.match(title)
    return found[1] if found else None


def processor_seconds(pid: int) -> float:
    """Return what all threads of a process have used, those that have ended included.

    On Linux by the process's own clock, to the nanosecond: clock_getcpuclockid(3) makes its id this way, which Python
    does not offer.
    """
    if psutil.LINUX:
        return time.clock_gettime(~pid << 3 | 2)
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _seconds_of_ended_children(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.children_user + times.children_system)


@dataclass(slots=True)
class Used:
    """What an interval of measuring took: seconds of processor time, and what PostgreSQL wrote.

    `waits` is how many of the cell's transactions were open on average, and waiting for what.
    """

    seconds: float = 0.0
    server: float = 0.0
    database: float = 0.0
    generator: float = 0.0
    transactions: int = 0
    wal_bytes: int = 0
    waits: dict[str, float] = field(default_factory=dict)
