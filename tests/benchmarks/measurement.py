"""Measures every cell, round by round, and keeps what is needed to say how much the rounds differ."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter

from tests.benchmarks.argon2 import hash_alone
from tests.benchmarks.exchanges import VERIFY, Operation
from tests.benchmarks.load_generator import Exchange, Load, Sample, apply, load_process, process_id
from tests.benchmarks.observation import Interval, observe
from tests.benchmarks.plan import Plan
from tests.benchmarks.processor_time import Used

CONNECT_SECONDS = 0.1  # before the warm-up


class WrongAnswers(Exception):
    """A server answered what it should not have, so no figure counts."""


@dataclass(slots=True)
class Cell:
    """An operation at a number of connections, and what each round measured. `beside` loads the server meanwhile.

    `after_checkpoint` measures without a warm-up, right after one. `watches_waits` looks at the open transactions.
    """

    operation: Operation
    connections: int
    beside: "Cell | None" = None
    after_checkpoint: bool = False
    watches_waits: bool = False
    samples: list[Sample] = field(default_factory=list)

    @property
    def requests_per_second(self) -> float:
        """How many answers came in a second, over all rounds."""
        return sum(len(sample.latencies) for sample in self.samples) / sum(sample.seconds for sample in self.samples)

    def milliseconds(self, percent: float) -> float:
        """Return the latency that `percent` of the answers kept, over all rounds."""
        latencies: array[float] = array("d")
        for sample in self.samples:
            latencies.extend(sample.latencies)
        return 1000 * _percentile(latencies, percent)

    def milliseconds_by_round(self, percent: float) -> list[float]:
        """Return the same latency of each round."""
        return [1000 * _percentile(sample.latencies, percent) for sample in self.samples]

    def microseconds(self, seconds_of: Callable[[Used], float]) -> float:
        """Return the processor time of a request, over all rounds, of what `seconds_of` names."""
        return 1e6 * sum(map(seconds_of, self._used)) / self._requests

    @property
    def calls_a_transaction(self) -> float:
        """How many requests shared a transaction that wrote; 0 if there was none."""
        transactions = sum(used.transactions for used in self._used)
        return self._requests / transactions if transactions else 0.0

    @property
    def wal_bytes(self) -> float:
        """How many bytes of write-ahead log a request took."""
        return sum(used.wal_bytes for used in self._used) / self._requests

    def mean_waits(self, what: str) -> float:
        """Return how many transactions were in that state at a time, over all rounds."""
        return sum(used.waits.get(what, 0.0) for used in self._used) / len(self.samples)

    def ratios(self, other: "Cell", value: Callable[[Sample], float]) -> list[float]:
        """Return this cell's value by the other's, round by round, leaving out where the other has none."""
        pairs = zip(self.samples, other.samples, strict=True)
        return [value(mine) / value(its) for mine, its in pairs if value(its)]

    def throughput_ratios(self, other: "Cell") -> list[float]:
        """Return this cell's answers to one of the other's, round by round."""
        return self.ratios(other, lambda sample: sample.rate)

    def processor_ratios(self, other: "Cell") -> list[float]:
        """Return the other's processor time by this cell's, round by round: more is better, as for throughput.

        What the databases used is counted; what the load generator did is not.
        """
        return [1 / ratio for ratio in self.ratios(other, _cost) if ratio]

    def latency_ratios(self, other: "Cell", percent: float) -> list[float]:
        """Return the latency that `percent` of the answers kept, by the other's, round by round."""
        return self.ratios(other, lambda sample: _percentile(sample.latencies, percent))

    @property
    def _used(self) -> list[Used]:
        return [sample.used for sample in self.samples]

    @property
    def _requests(self) -> float:
        # Interval and load are not the same to the millisecond, so what is used a second is set against the rate.
        return sum(sample.rate * sample.used.seconds for sample in self.samples) or 1.0


@dataclass(slots=True)
class Measurement:
    """The cells, and the processes that ask for them: one, and another for what goes on beside."""

    plan: Plan
    cells: list[Cell]
    process: ProcessPoolExecutor
    process_beside: ProcessPoolExecutor
    generator: int  # the id of the first process
    checkpoints: int = 0

    def run(self, say: Callable[[str], None]) -> None:
        """Measure; raises WrongAnswers as soon as there is one.

        Before the first round each cell has its load once, so that all servers have connected and prepared everything.
        A checkpoint is one of the whole PostgreSQL, so the cells after one come when all others are done.
        """
        say("warming up")
        for cell in self.cells:
            if not cell.after_checkpoint:
                self.measure(cell, self.plan.warm_up_seconds)
        self._ask_about_all_keys()
        for after_checkpoint in (False, True):
            cells = [cell for cell in self.cells if cell.after_checkpoint is after_checkpoint]
            for number in range(self.plan.rounds if cells else 0):
                say(f"round {number + 1} of {self.plan.rounds}{', after checkpoints' if after_checkpoint else ''}")
                for cell in cells if number % 2 == 0 else reversed(cells):
                    cell.samples.append(_with_answers(cell, self.measure(cell, self.plan.measured_seconds)))

    def _ask_about_all_keys(self) -> None:
        """Ask each Keyhouse about each of its keys, unless they are more than a worker keeps: then it is as it goes on.

        Several workers share the connections, so each of them gets a part of the keys at a time.
        """
        asked = {id(cell.operation.served): cell for cell in self.cells if cell.operation.name == VERIFY}
        for cell in asked.values():
            if cell.operation.is_keyhouse and len(cell.operation.exchanges) <= self.plan.main.keys:
                crowd = replace(cell, connections=self.plan.crowd, beside=None)
                for _ in range(cell.operation.workers):
                    load = self.load(crowd, self.plan.many_keys_seconds, each_once=True)
                    checked(cell, self.process.submit(apply, load).result())

    def measure(self, cell: Cell, seconds: float) -> Sample:
        """Return what the cell's load got in so long, and what it used."""
        served = cell.operation.served
        if served is None:
            return self.process.submit(hash_alone, seconds).result()
        if cell.after_checkpoint and served.postgres:
            served.postgres.checkpoint()
            self.checkpoints += 1
        load = self.load(cell, seconds)
        beside = cell.beside and self.process_beside.submit(apply, self.load(cell.beside, seconds))
        under_way = self.process.submit(apply, load)
        interval = Interval(load.measured_from, load.measured_from + seconds)
        used = observe(served, self.generator, interval, watches_waits=cell.watches_waits)
        sample = checked(cell, under_way.result())
        if cell.beside and beside:
            checked(cell.beside, beside.result())
        sample.used = used
        served.trim_log()
        return sample

    def load(self, cell: Cell, seconds: float, *, each_once: bool = False) -> Load:
        """Return a load that asks what the cell asks, for so long, from now on."""
        place = next(place for place, asked in enumerate(_lists(self.cells)) if asked is cell.operation.exchanges)
        port = cell.operation.served.port if cell.operation.served else 0
        warm_up = CONNECT_SECONDS + (0.0 if cell.after_checkpoint else self.plan.warm_up_seconds)
        warm_up = 0.0 if each_once else warm_up  # all of them count
        return Load(place, port, cell.connections, perf_counter() + warm_up, seconds, each_once)


@contextmanager
def measuring(plan: Plan, cells: list[Cell]) -> Iterator[Measurement]:
    """Give the means to measure these cells."""
    lists = _lists(cells)
    with load_process(lists) as process, load_process(_only_beside(cells, lists)) as process_beside:
        yield Measurement(plan, cells, process, process_beside, process_id(process))


def checked(cell: Cell, sample: Sample) -> Sample:
    """Return the sample; raises WrongAnswers when an answer was not the one to the question."""
    if sample.failures:
        wrong = f"{len(sample.failures)} wrong answers, the first:\n{sample.failures[0]}"
        raise WrongAnswers(f"{_what(cell)}: {wrong}")
    return sample


def _with_answers(cell: Cell, sample: Sample) -> Sample:
    if not sample.latencies:
        raise WrongAnswers(f"{_what(cell)}: no answer in {sample.seconds} s")
    return sample


def _what(cell: Cell) -> str:
    return f"{cell.operation.name} of {cell.operation.server} at {cell.connections} connections"


def _lists(cells: list[Cell]) -> list[Sequence[Exchange]]:
    # Servers that are asked the same share the list, and go on in it where the last one ended.
    return list({id(cell.operation.exchanges): cell.operation.exchanges for cell in cells}.values())


def _only_beside(cells: list[Cell], lists: list[Sequence[Exchange]]) -> list[Sequence[Exchange]]:
    used = {id(cell.beside.operation.exchanges) for cell in cells if cell.beside}
    return [asked if id(asked) in used else () for asked in lists]


def _cost(sample: Sample) -> float:
    used = sample.used
    return (used.server + used.database) / used.seconds / sample.rate if used.seconds else 0.0


def _percentile(latencies: "array[float]", percent: float) -> float:
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
