"""`make bench`: measures Keyhouse beside bare servers' constants and beside a FastAPI service that does the same.

It prepares everything itself, a PostgreSQL of its own included, and everything stays on the loopback.
"""

import sys
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from config.postgres.embedded_postgres import EmbeddedPostgres
from config.serving.termination import unwind_on_termination
from tests.benchmarks.comparison import WORKING_TREE, compare
from tests.benchmarks.exchanges import VERIFY
from tests.benchmarks.machine import facts
from tests.benchmarks.measurement import Cell, Measurement, WrongAnswers, measuring
from tests.benchmarks.memory import ask_each_once, watch_memory
from tests.benchmarks.plan import FULL, QUICK, Group, Plan
from tests.benchmarks.postgres_activity import watching
from tests.benchmarks.programs import PROJECT, ServerDidNotStart
from tests.benchmarks.report import report, write
from tests.benchmarks.scenarios import Scenarios
from tests.benchmarks.targets import Found, targets

DOCUMENT = PROJECT / "docs" / "performance.md"
STATE_DIRECTORY = PROJECT / ".keyhouse"
STARTED = perf_counter()


def main() -> None:
    """Measure, print the tables, and put them into the documentation if nothing was chosen."""
    options = _parser().parse_args()
    plan = plan_of(options)
    try:
        if options.compare:
            text = compare(options.compare, options.against, plan, STATE_DIRECTORY / "compare", _say)
        else:
            text = run(plan, STATE_DIRECTORY / ("benchmark-quick" if options.quick else "benchmark"))
    except (WrongAnswers, ServerDidNotStart) as error:
        sys.exit(f"benchmark: {error}")
    sys.stdout.write(f"{text}\n")
    if plan == FULL and not (options.no_write or options.compare):
        write(DOCUMENT, text)


def plan_of(options: Namespace) -> Plan:
    """Return the plan that the options describe."""
    plan = QUICK if options.quick else FULL
    groups = frozenset(options.only) if options.only else plan.groups
    groups |= {Group.SIZES} if Group.MANY_KEYS in groups else set()  # which has the keys
    return replace(
        plan,
        groups=groups,
        connections=(plan.connections[0], options.connections or plan.crowd),
        rounds=options.rounds or plan.rounds,
        measured_seconds=options.seconds or plan.measured_seconds,
        memory_seconds=options.memory_seconds or plan.memory_seconds,
    )


def run(plan: Plan, directory: Path) -> str:
    """Return the report of one run; `directory` keeps the servers' logs and the PostgreSQL."""
    with unwind_on_termination(), ExitStack() as stack:
        embedded = stack.enter_context(EmbeddedPostgres(directory / "postgres", durable=plan.durable))
        postgres = stack.enter_context(watching(directory / "postgres" / "data", embedded.url))
        cells = Scenarios(stack, plan, postgres, embedded.url, directory, _say).cells()
        with measuring(plan, cells) as measurement:
            before = postgres.checkpoints()
            measurement.run(_say)
            of_its_own = postgres.checkpoints() - before - measurement.checkpoints
            found = _with_memory(measurement, Found(cells, plan))
            return report(found, targets(found), facts(found, postgres, of_its_own))


def _with_memory(measurement: Measurement, found: Found) -> Found:
    plan = found.plan
    if Group.MEMORY in plan.groups:
        _say(f"watching a worker's memory for {plan.memory_seconds:g} s")
        memory, steady = watch_memory(measurement, found.cell(VERIFY))
        found = replace(found, cells=[*found.cells, steady], memory=memory)
    if Group.MANY_KEYS in plan.groups:
        _say(f"asking about {plan.more_keys.keys:,} keys once each")
        found = replace(found, many_keys=ask_each_once(measurement, _largest(found)))
    return found


def _largest(found: Found) -> Cell:
    return found.cell(VERIFY, size=found.plan.more_keys.name)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="prove in seconds that the benchmark works; no figures")
    parser.add_argument("--no-write", action="store_true", help="leave docs/performance.md as it is")
    parser.add_argument("--only", nargs="+", type=Group, metavar="GROUP", help=f"measure {', '.join(Group)} alone")
    parser.add_argument("--rounds", type=int, help="how often each cell is measured")
    parser.add_argument("--connections", type=int, help="the larger number of connections")
    parser.add_argument("--seconds", type=float, help="how long a cell is measured in a round")
    parser.add_argument("--memory-seconds", type=float, help="how long memory is watched")
    parser.add_argument(
        "--compare", metavar="COMMIT", help="measure verifications of a commit and of --against in turn"
    )
    parser.add_argument("--against", metavar="COMMIT", default=WORKING_TREE, help="default: the files as they are now")
    return parser


def _say(what: str) -> None:
    minutes, seconds = divmod(int(perf_counter() - STARTED), 60)
    sys.stderr.write(f"benchmark: {minutes:2}:{seconds:02} {what}\n")


if __name__ == "__main__":
    main()
