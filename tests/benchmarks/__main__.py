"""`make bench`: measures Keyhouse beside a server that only answers a constant.

It prepares everything itself, a PostgreSQL of its own included, and everything stays on the loopback.
"""

import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path

import httpx

from config.embedded_postgres import EmbeddedPostgres
from config.termination import unwind_on_termination
from tests.benchmarks import exchanges, machine, programs
from tests.benchmarks.databases import create_database, fill
from tests.benchmarks.exchanges import Operation
from tests.benchmarks.measurement import WrongAnswers, measure
from tests.benchmarks.plan import FULL, QUICK, Plan
from tests.benchmarks.population import Population
from tests.benchmarks.programs import HOST, PROJECT, ServerDidNotStart
from tests.benchmarks.report import report, write

DOCUMENT = PROJECT / "docs" / "performance.md"
STATE_DIRECTORY = PROJECT / ".keyhouse"


def main() -> None:
    """Measure, print the table, and put it into the documentation unless the run was a quick one."""
    parser = ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="prove in seconds that the benchmark works; no figures")
    quick = parser.parse_args().quick
    try:
        text = run(QUICK if quick else FULL, STATE_DIRECTORY / ("benchmark-quick" if quick else "benchmark"))
    except (WrongAnswers, ServerDidNotStart) as error:
        sys.exit(f"benchmark: {error}")
    sys.stdout.write(f"{text}\n")
    if not quick:
        write(DOCUMENT, text)


def run(plan: Plan, directory: Path) -> str:
    """Return the report of one run; `directory` keeps the servers' logs and the PostgreSQL."""
    with unwind_on_termination(), ExitStack() as stack:
        postgres = stack.enter_context(EmbeddedPostgres(directory / "postgres", durable=True))
        operations = [
            operation
            for number in range(len(plan.sizes))
            for operation in serve_size(stack, plan, number, postgres.url, directory)
        ]
        body = _answer_of(operations[0])
        operations.append(
            exchanges.constant(stack.enter_context(programs.constant(body, directory / "constant.log")), body)
        )
        return report(measure(operations, plan, _say), machine.facts(postgres.url, plan))


def serve_size(stack: ExitStack, plan: Plan, number: int, server_url: str, directory: Path) -> list[Operation]:
    """Serve Keyhouse on a database of the plan's size until the stack ends, and return what it is asked."""
    size = plan.sizes[number]
    _say(f"filling a database with {size.keys:,} keys of {size.customers:,} customers")
    url = create_database(server_url, f"keys_{size.keys}")
    port = stack.enter_context(programs.keyhouse(url, directory / f"keyhouse-{size.keys}.log"))
    population = Population.of(size)
    fill(url, population)
    return exchanges.operations(size.name, port, population)


def _answer_of(operation: Operation) -> bytes:
    """Return the body of one answer: what the bare server will send as its constant."""
    head, _, body = operation.exchanges[0].request.partition(b"\r\n\r\n")
    request_line, *lines = head.decode().split("\r\n")
    method, path, _ = request_line.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    url = f"http://{HOST}:{operation.port}{path}"
    return httpx.request(method, url, headers=headers, content=body, trust_env=False).content


def _say(what: str) -> None:
    sys.stderr.write(f"benchmark: {what}\n")


if __name__ == "__main__":
    main()
