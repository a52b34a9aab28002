"""Measures verifications of two checkouts in turn, each with a server and a PostgreSQL of its own: what a change costs.

Processor time is what to read: on a busy machine it says in a minute what requests per second would not in an hour.
"""

import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from config.serving.termination import unwind_on_termination
from tests.benchmarks.databases import fill
from tests.benchmarks.exchanges import VERIFY, Operation, Verifications, verifications
from tests.benchmarks.load_generator import Sample
from tests.benchmarks.measurement import Cell, measuring
from tests.benchmarks.plan import Plan
from tests.benchmarks.population import Population
from tests.benchmarks.postgres_activity import watching
from tests.benchmarks.programs import PROJECT, Server, ServerDidNotStart, checkout
from tests.benchmarks.report import costs, middle, span, table

WORKING_TREE = "working tree"
POSTMASTER_SOCKET_DIRECTORY_LINE = 4  # of postmaster.pid
HEADINGS = (
    *("checkout", "connections", "requests/s", "p50 ms", "p99 ms", "server µs", "PostgreSQL µs", "generator µs"),
    *("calls a transaction", "log bytes"),
)
RATIO_HEADINGS = ("connections", "of a request", "ratio", "by round")
PARTS: dict[str, Callable[[Sample], float]] = {
    "processor time of the server": lambda sample: sample.used.server / sample.used.seconds / sample.rate,
    "processor time of PostgreSQL": lambda sample: sample.used.database / sample.used.seconds / sample.rate,
    "processor time of both": lambda sample: (
        (sample.used.server + sample.used.database) / sample.used.seconds / sample.rate
    ),
    "time, from rate": lambda sample: 1 / sample.rate,
}


def compare(commit: str, against: str, plan: Plan, directory: Path, say: Callable[[str], None]) -> str:
    """Return what a verification costs in both, and the ratios of the second by the first, round by round.

    A checkout is a commit, as git names it, or WORKING_TREE. Raises ServerDidNotStart.
    """
    population = Population.of(plan.main)
    asked = verifications(population)
    with unwind_on_termination(), ExitStack() as stack:
        cells: list[Cell] = []
        for number, name in enumerate((commit, against)):
            say(f"serving {name}, and filling its database with {plan.main.name}")
            place = directory / str(number)
            stack.callback(shutil.rmtree, place, ignore_errors=True)
            served = _serve(stack, name, place, population)
            cells += _cells(name, served, asked, plan)
        with measuring(plan, cells) as measurement:
            measurement.run(say)
    return "\n".join(_report(cells, plan))


def export(name: str, directory: Path) -> None:
    """Put the files of a checkout into the directory, in the place of what is there. Raises ServerDidNotStart."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    if name == WORKING_TREE:
        listed = _git("ls-files", "--cached", "--others", "--exclude-standard", "-z").decode().split("\0")
        for path in filter(None, listed):
            if (PROJECT / path).is_file():
                (directory / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(PROJECT / path, directory / path)
        return
    with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", name))) as archive:
        archive.extractall(directory, filter="data")


def postgres_url(data: Path) -> str:
    """Return where the embedded PostgreSQL of a data directory listens."""
    lines = (data / "postmaster.pid").read_text().splitlines()
    socket_directory = quote(lines[POSTMASTER_SOCKET_DIRECTORY_LINE], safe="")
    return f"postgresql://keyhouse@/keyhouse?host={socket_directory}"


def _serve(stack: ExitStack, name: str, directory: Path, population: Population) -> Server:
    export(name, directory)
    log = directory.with_suffix(".log")
    port, pid = stack.enter_context(checkout(directory, log))
    data = directory / ".keyhouse" / "postgres" / "data"
    url = postgres_url(data)
    fill(url, population, 0)
    watched = url.replace("/keyhouse?", "/postgres?")
    return Server(port, pid, log, 1, stack.enter_context(watching(data, watched)), "keyhouse")


def _cells(name: str, served: Server, asked: Verifications, plan: Plan) -> list[Cell]:
    operation = Operation(VERIFY, name, plan.main.name, served, asked)
    return [Cell(operation, connections) for connections in plan.connections]


def _report(cells: list[Cell], plan: Plan) -> Iterator[str]:
    yield f"Verifications on {plan.main.name}, {plan.rounds} rounds of {plan.measured_seconds:g} s in turn."
    yield ""
    yield from table(HEADINGS, ["---", *["---:"] * (len(HEADINGS) - 1)], map(_words, cells))
    yield ""
    first, second = cells[0].operation.server, cells[-1].operation.server
    yield f"“{second}” by “{first}”; below 1 the second is cheaper:"
    yield ""
    half = len(cells) // 2
    rows = [row for before, after in zip(cells[:half], cells[half:], strict=True) for row in _ratio_rows(before, after)]
    yield from table(RATIO_HEADINGS, ["---:", "---", "---:", "---:"], rows)


def _words(cell: Cell) -> tuple[str, ...]:
    return (
        cell.operation.server,
        str(cell.connections),
        f"{cell.requests_per_second:,.0f}",
        f"{cell.milliseconds(50):.2f}",
        f"{cell.milliseconds(99):.2f}",
        *costs(cell),
        f"{cell.calls_a_transaction:.1f}",
        f"{cell.wal_bytes:,.0f}",
    )


def _ratio_rows(before: Cell, after: Cell) -> Iterator[tuple[str, ...]]:
    for part, value in PARTS.items():
        ratios = after.ratios(before, value)
        yield str(before.connections), part, middle(ratios), span(ratios)


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, check=False)
    if done.returncode:
        raise ServerDidNotStart(done.stderr.decode().strip())
    return done.stdout
