"""Predicts how many verifications a machine decides, from what this run measured. docs/performance.md has the formulas.

Everything is in microseconds and for steady load. A batch of `b` calls costs a fixed part and a part for each call.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from tests.benchmarks.exchanges import VERIFY
from tests.benchmarks.measurement import Cell
from tests.benchmarks.postgres_activity import COMMITTING, LOCKED, OPEN
from tests.benchmarks.targets import Found, NotMeasured

CORES = 16
WORKERS = (1, 2, 4, 6, 8, 12, 16)
THIS_MACHINE = os.cpu_count() or 1
IN_TURN = "worker and PostgreSQL in turn"
PROCESSORS = "all processors"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a batch costs, and each of its calls."""

    batch: float
    call: float

    def of_batch(self, size: float) -> float:
        """Return the cost of a batch of that size."""
        return self.batch + self.call * size

    @classmethod
    def through(cls, small: tuple[float, float], large: tuple[float, float]) -> "Cost":
        """Return what explains two measurements, each a batch size and the cost of a call in it; neither part < 0."""
        (size, cost), (larger_size, larger_batch_cost) = small, large
        if larger_size <= size:
            return cls(0.0, larger_batch_cost)
        batch = max(0.0, (cost - larger_batch_cost) / (1 / size - 1 / larger_size))
        batch = min(batch, larger_batch_cost * larger_size)
        return cls(batch, larger_batch_cost - batch / larger_size)


@dataclass(frozen=True, slots=True)
class Times:
    """How long a batch's transaction is open, and how much of that it waits for locks, and for the log."""

    open: float
    locked: float
    committing: float

    @classmethod
    def of(cls, cell: Cell) -> "Times":
        """Read it from a cell by Little's law: so many are open at a time, so many come, so each takes so long."""
        batches_a_microsecond = cell.requests_per_second / batch_size(cell) / 1e6
        return cls(*(cell.mean_waits(what) / batches_a_microsecond for what in (OPEN, LOCKED, COMMITTING)))


@dataclass(frozen=True, slots=True)
class Measured:
    """What the model is fed with. `batch_size` is that of one worker at the larger number of connections."""

    worker: Cost
    postgres: Cost
    generator: float
    batch_size: float
    committing: float
    wal_bytes: float
    customers: int

    @classmethod
    def of(cls, found: Found) -> "Measured":
        """Read it from the cells of a verification. Raises NotMeasured."""
        one, crowd = found.cell(VERIFY, connections=found.plan.connections[0]), found.cell(VERIFY)
        return cls(
            worker=Cost.through(*((batch_size(cell), _server(cell)) for cell in (one, crowd))),
            postgres=Cost.through(*((batch_size(cell), _postgres(cell)) for cell in (one, crowd))),
            generator=crowd.microseconds(lambda used: used.generator),
            batch_size=batch_size(crowd),
            committing=Times.of(crowd).committing,
            wal_bytes=crowd.wal_bytes,
            customers=found.plan.main.customers,
        )


@dataclass(frozen=True, slots=True)
class Prediction:
    """A rate in calls a second, what limits it, and what it takes. With perfect overlap it would be `at_most`."""

    workers: int
    rate: float
    limit: str
    at_most: float
    postgres_cores: float
    transactions: float
    wal_megabytes: float


def predict(measured: Measured, workers: int, cores: int, size: float, generator: float = 0.0) -> Prediction:
    """Return the lower of two limits, for batches of that size.

    `generator` is what each call takes of the same cores besides.
    """
    worker, postgres = measured.worker.of_batch(size), measured.postgres.of_batch(size)
    waiting = 1 - collision(size, workers, measured.customers) / 2
    limits = {
        IN_TURN: 1e6 * workers * size / (worker + (postgres + measured.committing) / waiting),
        PROCESSORS: 1e6 * cores * size / (worker + postgres + generator * size),
    }
    limit = min(limits, key=lambda name: limits[name])
    rate = limits[limit]
    at_most = min(1e6 * workers * size / worker, limits[PROCESSORS])
    wal_megabytes = rate * measured.wal_bytes / 1e6
    return Prediction(workers, rate, limit, at_most, rate * postgres / size / 1e6, rate / size, wal_megabytes)


def collision(size: float, workers: int, customers: int) -> float:
    """Return the probability that a batch has a customer in common with one of the other workers' batches.

    Each batch holds as many random customers as it has calls, and every other worker has one open all the time.
    """
    apart: float = (1.0 - min(1.0, size / customers)) ** (size * (workers - 1))
    return 1.0 - apart


def batch_size(cell: Cell) -> float:
    """Return how many calls a batch had. Raises NotMeasured where nothing was written."""
    if not cell.calls_a_transaction:
        raise NotMeasured(cell.operation.name)
    return cell.calls_a_transaction


def model_lines(found: Found) -> list[str]:
    """Return the model's part of the report; nothing if the run left out what it needs."""
    try:
        measured = Measured.of(found)
        here = list(_here_table(found, measured))
    except NotMeasured:
        return []
    there = [predict(measured, workers, CORES, measured.batch_size) for workers in WORKERS]
    return [_inputs(measured), "", *here, "", *_there_table(there), "", _conclusion(there)]


def _server(cell: Cell) -> float:
    return cell.microseconds(lambda used: used.server)


def _postgres(cell: Cell) -> float:
    return cell.microseconds(lambda used: used.database)


def _inputs(measured: Measured) -> str:
    return (
        f"The model's input: the worker takes {measured.worker.batch:.0f} µs a batch and {measured.worker.call:.1f} a "
        f"call, PostgreSQL {measured.postgres.batch:.0f} and {measured.postgres.call:.1f}, the load generator "
        f"{measured.generator:.1f} a call. A batch has {measured.batch_size:.1f} calls, waits "
        f"{measured.committing:.0f} µs for the log to reach the disk, and a call writes {measured.wal_bytes:,.0f} "
        "bytes of log."
    )


def _here_table(found: Found, measured: Measured) -> Iterator[str]:
    yield (
        f"| workers on {THIS_MACHINE} cores | predicted requests/s | at most | measured | measured by predicted "
        "| limit | calls a batch, predicted | measured | transaction open, µs | of it waiting for locks | for the log |"
    )
    yield "| ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |"
    for workers in (1, *found.plan.worker_counts):
        cell = found.cell(VERIFY, workers=workers)
        # The connections are shared out, so a batch of one of several workers is as much smaller.
        size = max(1.0, measured.batch_size / workers)
        its = predict(measured, workers, THIS_MACHINE, size, measured.generator)
        rate, times = cell.requests_per_second, Times.of(cell)
        yield (
            f"| {workers} | {its.rate:,.0f} | {its.at_most:,.0f} | {rate:,.0f} | {rate / its.rate:.2f} | {its.limit} "
            f"| {size:.1f} | {batch_size(cell):.1f} | {times.open:.0f} | {times.locked:.0f} | {times.committing:.0f} |"
        )


def _there_table(there: list[Prediction]) -> Iterator[str]:
    yield (
        f"| workers on {CORES} cores | predicted requests/s | at most | limit | cores of PostgreSQL | transactions/s "
        "| log MB/s |"
    )
    yield "| ---: | ---: | ---: | --- | ---: | ---: | ---: |"
    for its in there:
        yield (
            f"| {its.workers} | {its.rate:,.0f} | {its.at_most:,.0f} | {its.limit} | {its.postgres_cores:.1f} "
            f"| {its.transactions:,.0f} | {its.wal_megabytes:.0f} |"
        )


def _conclusion(there: list[Prediction]) -> str:
    best = max(there, key=lambda prediction: prediction.rate)
    first = next(prediction for prediction in there if prediction.rate >= 0.99 * best.rate)
    return (
        f"On {CORES} cores, {first.workers} workers decide {first.rate:,.0f} verifications a second, and more workers "
        f"no more than that; what saturates first is: {first.limit}."
    )
