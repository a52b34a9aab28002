"""`make bench`: measures Keyhouse beside a bare server's constant and beside a FastAPI service that does the same.

It prepares everything itself, a PostgreSQL of its own included, and everything stays on the loopback.
"""

import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from config.postgres.embedded_postgres import EmbeddedPostgres
from config.serving.termination import unwind_on_termination
from tests.benchmarks import machine
from tests.benchmarks.measurement import WrongAnswers, measuring
from tests.benchmarks.memory import watch_memory
from tests.benchmarks.plan import FULL, QUICK, Plan
from tests.benchmarks.programs import PROJECT, ServerDidNotStart
from tests.benchmarks.report import report, write
from tests.benchmarks.scenarios import Scenarios
from tests.benchmarks.targets import targets

DOCUMENT = PROJECT / "docs" / "performance.md"
STATE_DIRECTORY = PROJECT / ".keyhouse"


def main() -> None:
    """Measure, print the tables, and put them into the documentation unless the run was a quick one."""
    parser = ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="prove in seconds that the benchmark works; no figures")
    parser.add_argument("--no-write", action="store_true", help="leave docs/performance.md as it is")
    parser.add_argument("--rounds", type=int, default=FULL.rounds, help="how often each cell is measured")
    parser.add_argument("--memory-seconds", type=float, default=FULL.memory_seconds, help="how long memory is watched")
    options = parser.parse_args()
    full = replace(FULL, rounds=options.rounds, memory_seconds=options.memory_seconds)
    try:
        text = (
            run(QUICK, STATE_DIRECTORY / "benchmark-quick")
            if options.quick
            else run(full, STATE_DIRECTORY / "benchmark")
        )
    except (WrongAnswers, ServerDidNotStart) as error:
        sys.exit(f"benchmark: {error}")
    sys.stdout.write(f"{text}\n")
    if not (options.quick or options.no_write):
        write(DOCUMENT, text)


def run(plan: Plan, directory: Path) -> str:
    """Return the report of one run; `directory` keeps the servers' logs and the PostgreSQL."""
    with unwind_on_termination(), ExitStack() as stack:
        postgres = stack.enter_context(EmbeddedPostgres(directory / "postgres", durable=plan.durable))
        cells, server = Scenarios(stack, plan, postgres.url, directory, _say).cells()
        with measuring(plan, cells) as measurement:
            measurement.run(_say)
            _say(f"watching a worker's memory for {plan.memory_seconds:g} s")
            memory = watch_memory(measurement, next(cell for cell in cells if cell.connections == plan.crowd), server)
        return report(cells, targets(cells, memory, plan), machine.facts(postgres.url, plan, memory))


def _say(what: str) -> None:
    sys.stderr.write(f"benchmark: {what}\n")


if __name__ == "__main__":
    main()
