"""Measures every cell, round by round, and keeps what is needed to say how much the rounds differ."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from tests.benchmarks.exchanges import CONSTANT, Operation
from tests.benchmarks.load_generator import Load, Sample, apply, load_process
from tests.benchmarks.plan import Plan


class WrongAnswers(Exception):
    """A server answered what it should not have, so no figure counts."""


@dataclass(slots=True)
class Cell:
    """An operation at a number of connections, and what each round measured."""

    operation: Operation
    connections: int
    samples: list[Sample] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)  # to the bare constant of the same round

    @property
    def requests_per_second(self) -> float:
        """How many answers came in a second, over all rounds."""
        return sum(len(sample.latencies) for sample in self.samples) / sum(sample.seconds for sample in self.samples)

    @property
    def ratio(self) -> float:
        """The middle of the rounds' ratios."""
        return median(self.ratios)

    def milliseconds(self, percent: float) -> float:
        """Return the latency that `percent` of the answers kept."""
        latencies: array[float] = array("d")
        for sample in self.samples:
            latencies.extend(sample.latencies)
        ordered = sorted(latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def measure(operations: list[Operation], plan: Plan, say: Callable[[str], None]) -> list[Cell]:
    """Return the cells, measured; raises WrongAnswers as soon as there is one."""
    cells = [Cell(operation, connections) for connections in plan.connections for operation in operations]
    with load_process([operation.exchanges for operation in operations]) as process:
        for number in range(plan.rounds):
            say(f"round {number + 1} of {plan.rounds}")
            for cell in cells if number % 2 == 0 else reversed(cells):
                load = Load(
                    operation=operations.index(cell.operation),
                    port=cell.operation.port,
                    connections=cell.connections,
                    warm_up_seconds=plan.warm_up_seconds,
                    measured_seconds=plan.measured_seconds,
                )
                cell.samples.append(_checked(cell, process.submit(apply, load).result()))
            _compare(cells)
    return cells


def _checked(cell: Cell, sample: Sample) -> Sample:
    what = f"{cell.operation.name} at {cell.connections} connections"
    if sample.failures:
        raise WrongAnswers(f"{what}: {len(sample.failures)} wrong answers, the first:\n{sample.failures[0]}")
    if not sample.latencies:
        raise WrongAnswers(f"{what}: no answer in {sample.seconds} s")
    return sample


def _compare(cells: list[Cell]) -> None:
    constants = {cell.connections: len(cell.samples[-1].latencies) for cell in cells if cell.operation.name == CONSTANT}
    for cell in cells:
        cell.ratios.append(len(cell.samples[-1].latencies) / constants[cell.connections])
