"""How much memory a worker holds while it is asked without a pause."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter, sleep

import psutil

from tests.benchmarks.exchanges import VERIFY_LONG
from tests.benchmarks.load_generator import Sample, apply
from tests.benchmarks.measurement import Cell, Measurement, checked

SECONDS_BETWEEN = 0.5
PARTS = 5  # of the time; the first is for growing to working size


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes in turn, how long it took, and how many requests were answered meanwhile."""

    seconds: float
    megabytes: list[float]
    requests: int

    @property
    def highest(self) -> float:
        """The most it was."""
        return max(self.megabytes)

    @property
    def at_work(self) -> float:
        """The middle of the second part, by when everything that is made once has been made."""
        return median(self._part(1))

    @property
    def at_end(self) -> float:
        """The middle of the last part."""
        return median(self._part(PARTS - 1))

    def _part(self, number: int) -> list[float]:
        length = len(self.megabytes) / PARTS
        return self.megabytes[int(number * length) : int((number + 1) * length)] or self.megabytes[-1:]


def watch_memory(measurement: Measurement, cell: Cell) -> tuple[Memory, Cell]:
    """Ask what the cell asks for the plan's time; return what the worker held, and the cell that this measured."""
    steady = Cell(replace(cell.operation, name=VERIFY_LONG), cell.connections)

    def ask() -> Sample:
        steady.samples.append(measurement.measure(steady, measurement.plan.memory_seconds))
        return steady.samples[0]

    return _watched(steady, ask), steady


def ask_each_once(measurement: Measurement, cell: Cell) -> Memory:
    """Ask each of the cell's questions once, as far as the plan's time goes; return what the worker held."""

    def ask() -> Sample:
        load = measurement.load(cell, measurement.plan.many_keys_seconds, each_once=True)
        return checked(cell, measurement.process.submit(apply, load).result())

    return _watched(cell, ask)


def worker_of(pid: int) -> psutil.Process:
    """Return the largest of the processes the server has started: its one worker."""
    children = psutil.Process(pid).children(recursive=True)
    return max(children, key=lambda child: child.memory_info().rss)


def _watched(cell: Cell, ask: Callable[[], Sample]) -> Memory:
    served = cell.operation.served
    if served is None:
        raise ValueError(f"no server answers {cell.operation.name}")
    worker, began, megabytes = worker_of(served.pid), perf_counter(), list[float]()
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(ask)
        while not asked.done():
            megabytes.append(_megabytes(worker))
            served.trim_log()
            sleep(SECONDS_BETWEEN)
        return Memory(perf_counter() - began, [*megabytes, _megabytes(worker)], len(asked.result().latencies))


def _megabytes(worker: psutil.Process) -> float:
    return float(worker.memory_info().rss / 1e6)
