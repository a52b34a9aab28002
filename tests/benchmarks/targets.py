"""What Keyhouse promises to reach, and whether this run did."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from operator import ge, le
from statistics import median

from tests.benchmarks import exchanges
from tests.benchmarks.exchanges import BARE, KEYHOUSE, NO_SERVER, PEER
from tests.benchmarks.measurement import Cell
from tests.benchmarks.memory import Memory
from tests.benchmarks.plan import Plan

MANY_KEYS_MEGABYTES = 250
NUMBER_WORDS = {1: "one", 2: "two", 4: "four"}


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that was measured, `rounds` of it where it is a middle, and the bound it is to keep.

    `processor` has the same ratio by processor time instead of by rate, round by round, where there is one.
    """

    what: str
    keeps: Callable[[float, float], bool]
    bound: float
    measured: float
    unit: str = ""
    rounds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    @property
    def wanted(self) -> str:
        """The bound in words."""
        return f"{'at least' if self.keeps is ge else 'at most'} {self.bound:g}{self.unit}"

    @property
    def is_met(self) -> bool:
        """Whether the figure keeps its bound."""
        return self.keeps(self.measured, self.bound)


class NotMeasured(Exception):
    """The run left the cell out, so what depends on it is not judged."""


@dataclass(frozen=True, slots=True)
class Found:
    """Cells by what they measure."""

    cells: list[Cell]
    plan: Plan
    memory: Memory | None = None
    many_keys: Memory | None = None

    def cell(
        self,
        name: str,
        server: str = KEYHOUSE,
        *,
        connections: int | None = None,
        size: str | None = None,
        workers: int = 1,
    ) -> Cell:
        """Return the cell; the larger number of connections and the main size, unless others are named.

        Raises NotMeasured.
        """
        wanted = (name, server, connections or self.plan.crowd, self.plan.main.name if size is None else size, workers)
        for cell in self.cells:
            its = cell.operation
            if (its.name, its.server, cell.connections, its.size, its.workers) == wanted:
                return cell
        raise NotMeasured(name)


def targets(found: Found) -> list[Target]:
    """Return every target that the run can judge."""
    judged: list[Target] = []
    for judge in JUDGES:
        with suppress(NotMeasured):
            judged.extend(judge(found))
    return judged


def _bare(name: str, bound: float) -> Callable[[Found], Iterator[Target]]:
    def judge(found: Found) -> Iterator[Target]:
        what = f"requests/s of “{name}”, of the bare server's constant"
        yield _throughput(what, bound, found.cell(name), found.cell(exchanges.CONSTANT, BARE, size=""))

    return judge


def _beside_peer(name: str, bound: float) -> Callable[[Found], Iterator[Target]]:
    def judge(found: Found) -> Iterator[Target]:
        what = f"requests/s of “{name}”, of the FastAPI service's"
        yield _throughput(what, bound, found.cell(name), found.cell(name, PEER))

    return judge


def _latencies(found: Found) -> Iterator[Target]:
    for connections, percent, bound in ((found.plan.crowd, 99, 10.0), (found.plan.connections[0], 50, 0.8)):
        cell = found.cell(exchanges.VERIFY, connections=connections)
        rounds = cell.milliseconds_by_round(percent)
        what = f"p{percent} of a verification at {connections} connection{'s' if connections > 1 else ''}, cores shared"
        yield Target(what, le, bound, median(rounds), " ms", rounds)


def _sizes(found: Found) -> Iterator[Target]:
    plan = found.plan
    for name, when in ((exchanges.VERIFY, ""), (exchanges.VERIFY_AFTER_CHECKPOINT, " right after a checkpoint")):
        fewer = found.cell(name, size=plan.fewer_keys.name)
        for size in (plan.more_keys, plan.more_usage):
            what = f"requests/s with {size.name}, of {plan.fewer_keys.name}{when}"
            yield _throughput(what, 0.85, found.cell(name, size=size.name), fewer)


def _one_customer(found: Found) -> Iterator[Target]:
    one, verify = found.cell(exchanges.VERIFY_ONE), found.cell(exchanges.VERIFY)
    yield _throughput("requests/s when one customer takes all, of spread-out", 0.5, one, verify)


def _workers(found: Found) -> Iterator[Target]:
    one = found.cell(exchanges.VERIFY)
    for workers in found.plan.worker_counts:
        several = found.cell(exchanges.VERIFY, workers=workers)
        what = f"requests/s of a verification with {NUMBER_WORDS.get(workers, workers)} workers, of one"
        yield _throughput(what, 1.0, several, one)


def _logins(found: Found) -> Iterator[Target]:
    verify, beside = found.cell(exchanges.VERIFY), found.cell(exchanges.VERIFY_BESIDE_LOGINS)
    rounds = beside.latency_ratios(verify, 99)
    what = f"p99 of a verification beside {found.plan.logins_at_once} logins, of without"
    yield Target(what, le, 2, median(rounds), rounds=rounds)
    argon2 = next(cell for cell in found.cells if cell.operation.server == NO_SERVER)
    yield _throughput("logins/s, of what Argon2id alone allows", 0.8, found.cell(exchanges.LOGIN), argon2)


def _memory(found: Found) -> Iterator[Target]:
    if memory := found.memory:
        what = f"a worker's memory at the end of {memory.seconds:.0f} s, of soon after their beginning"
        yield Target(what, le, 1.05, memory.at_end / memory.at_work)
    if many := found.many_keys:
        what = f"a worker's memory after {many.requests:,} different keys, at its highest"
        yield Target(what, le, MANY_KEYS_MEGABYTES, many.highest, " MB")


JUDGES: tuple[Callable[[Found], Iterator[Target]], ...] = (
    _bare(exchanges.VERIFY, 0.40),
    _bare(exchanges.VERIFY_SIMPLE, 0.50),
    _bare(exchanges.NINJA, 0.30),
    _beside_peer(exchanges.VERIFY, 40),
    _beside_peer(exchanges.GET_USER, 5),
    _beside_peer(exchanges.LIST_KEYS, 5),
    _latencies,
    _sizes,
    _one_customer,
    _workers,
    _logins,
    _memory,
)


def _throughput(what: str, bound: float, cell: Cell, other: Cell) -> Target:
    ratios = cell.throughput_ratios(other)
    return Target(what, ge, bound, median(ratios), rounds=ratios, processor=cell.processor_ratios(other))
