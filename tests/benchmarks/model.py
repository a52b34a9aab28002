"""Predicts how many verifications a machine decides, from what this run measured. docs/performance.md has the formulas.

Everything is in microseconds and for steady load. A batch of `b` calls costs a fixed part and a part for each call.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from tests.benchmarks.exchanges import VERIFY
from tests.benchmarks.plan import Plan
from tests.benchmarks.postgres_activity import COMMITTING, LOCKED, OPEN
from tests.benchmarks.targets import Found, NotMeasured

CORES = 16
WORKERS = (1, 2, 4, 6, 8, 12, 16)
THIS_MACHINE = os.cpu_count() or 1
WORKERS_LIMIT = "the workers' processors"
CORES_LIMIT = "all processors"
BATCHES_LIMIT = "batches in turn: locks and commits"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a batch costs, and each of its calls."""

    batch: float
    call: float

    def of_a_call(self, batch_size: float) -> float:
        """Return the cost of a call in a batch of that size."""
        return self.batch / batch_size + self.call

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
class Measured:
    """What the model is fed with: processor time, and how long a batch's transaction is open but for locks.

    `batch_size` is that of one worker at the larger number of connections.
    """

    worker: Cost
    postgres: Cost
    generator: float
    batch_size: float
    open: float
    committing: float
    locked: float
    wal_bytes: float
    customers: int

    @classmethod
    def of(cls, found: Found) -> "Measured":
        """Read it from the cells of a verification. Raises NotMeasured."""
        one, crowd = found.cell(VERIFY, connections=found.plan.connections[0]), found.cell(VERIFY)
        if not (one.calls_a_transaction and crowd.calls_a_transaction):
            raise NotMeasured("transactions")
        sizes = one.calls_a_transaction, crowd.calls_a_transaction
        worker = [cell.microseconds(lambda used: used.server) for cell in (one, crowd)]
        postgres = [cell.microseconds(lambda used: used.database) for cell in (one, crowd)]
        batches_a_microsecond = crowd.requests_per_second / crowd.calls_a_transaction / 1e6
        # Little's law: so many are open at a time, so many come a microsecond, so each takes this long.
        took = {what: crowd.mean_waits(what) / batches_a_microsecond for what in (OPEN, COMMITTING, LOCKED)}
        return cls(
            worker=Cost.through((sizes[0], worker[0]), (sizes[1], worker[1])),
            postgres=Cost.through((sizes[0], postgres[0]), (sizes[1], postgres[1])),
            generator=crowd.microseconds(lambda used: used.generator),
            batch_size=crowd.calls_a_transaction,
            open=took[OPEN] - took[LOCKED],
            committing=took[COMMITTING],
            locked=took[LOCKED],
            wal_bytes=crowd.wal_bytes,
            customers=found.plan.main.customers,
        )


@dataclass(frozen=True, slots=True)
class Prediction:
    """A rate in calls a second, and what it takes."""

    workers: int
    rate: float
    limit: str
    postgres_cores: float
    transactions: float
    wal_megabytes: float


def predict(measured: Measured, workers: int, cores: int, batch_size: float, generator: float = 0.0) -> Prediction:
    """Return the lowest of three limits. `generator` is what each call takes of the same cores besides."""
    worker, postgres = measured.worker.of_a_call(batch_size), measured.postgres.of_a_call(batch_size)
    limits = {
        WORKERS_LIMIT: workers / worker,
        BATCHES_LIMIT: workers * batch_size / batch_microseconds(measured, workers, batch_size),
        CORES_LIMIT: cores / (worker + postgres + generator),
    }
    limit = min(limits, key=lambda name: limits[name])
    rate = 1e6 * limits[limit]
    return Prediction(workers, rate, limit, rate * postgres / 1e6, rate / batch_size, rate * measured.wal_bytes / 1e6)


def batch_microseconds(measured: Measured, workers: int, batch_size: float) -> float:
    """Return how long a batch's transaction is open, waiting for the others' locks included."""
    # A smaller batch saves PostgreSQL's part for the calls that it does not have.
    alone = measured.open - measured.postgres.call * (measured.batch_size - batch_size)
    alone = max(alone, measured.postgres.batch + measured.postgres.call * batch_size, 1e-3)
    return alone / (1 - collision(batch_size, workers, measured.customers) / 2)


def collision(batch_size: float, workers: int, customers: int) -> float:
    """Return the probability that a batch has a customer in common with one of the other workers' batches.

    Each batch holds as many random customers as it has calls, and every other worker has one open all the time.
    """
    apart: float = (1.0 - min(1.0, batch_size / customers)) ** (batch_size * (workers - 1))
    return 1.0 - apart


def predictions_here(found: Found, measured: Measured) -> Iterator[tuple[Prediction, float]]:
    """Yield what the model says of this machine, load generator included, and what was measured.

    The connections are shared out, so a batch of one of several workers is as much smaller.
    """
    for workers in (1, *found.plan.worker_counts):
        rate = found.cell(VERIFY, workers=workers).requests_per_second
        size = max(1.0, measured.batch_size / workers)
        yield predict(measured, workers, THIS_MACHINE, size, measured.generator), rate


def model_lines(found: Found) -> list[str]:
    """Return the model's part of the report; nothing if the run left out what it needs."""
    try:
        measured = Measured.of(found)
        here = list(predictions_here(found, measured))
    except NotMeasured:
        return []
    there = [predict(measured, workers, CORES, measured.batch_size) for workers in WORKERS]
    return [_inputs(measured), "", *_here_table(here), "", *_there_table(there, found.plan), "", _conclusion(there)]


def _inputs(measured: Measured) -> str:
    return (
        f"The model's input, in µs: worker {measured.worker.batch:.0f} a batch and {measured.worker.call:.1f} a call; "
        f"PostgreSQL {measured.postgres.batch:.0f} a batch and {measured.postgres.call:.1f} a call; load generator "
        f"{measured.generator:.1f} a call. With {measured.batch_size:.1f} calls a batch, its transaction is open for "
        f"{measured.open:.0f} besides {measured.locked:.0f} of waiting for locks; {measured.committing:.0f} of it "
        f"waits for the log to reach the disk. A call writes {measured.wal_bytes:,.0f} bytes of log."
    )


def _here_table(here: list[tuple[Prediction, float]]) -> Iterator[str]:
    yield f"| workers on {THIS_MACHINE} cores | predicted requests/s | measured | measured by predicted | limit |"
    yield "| ---: | ---: | ---: | ---: | --- |"
    for prediction, rate in here:
        ratio = rate / prediction.rate
        yield f"| {prediction.workers} | {prediction.rate:,.0f} | {rate:,.0f} | {ratio:.2f} | {prediction.limit} |"


def _there_table(there: list[Prediction], plan: Plan) -> Iterator[str]:
    connections = f"{plan.crowd} connections a worker"
    yield (
        f"| workers on {CORES} cores, {connections} | predicted requests/s | limit | cores of PostgreSQL | "
        "transactions/s | log MB/s |"
    )
    yield "| ---: | ---: | --- | ---: | ---: | ---: |"
    for its in there:
        yield (
            f"| {its.workers} | {its.rate:,.0f} | {its.limit} | {its.postgres_cores:.1f} | {its.transactions:,.0f} | "
            f"{its.wal_megabytes:.0f} |"
        )


def _conclusion(there: list[Prediction]) -> str:
    best = max(there, key=lambda prediction: prediction.rate)
    first = next(prediction for prediction in there if prediction.rate >= 0.99 * best.rate)
    return (
        f"On {CORES} cores, {first.workers} workers suffice for {first.rate:,.0f} verifications a second; what "
        f"saturates first is {first.limit}."
    )
