"""Starts and fills what the plan names, and says which cells are measured on it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

import httpx

from tests.benchmarks import exchanges, peer_database, programs
from tests.benchmarks.argon2 import THREADS
from tests.benchmarks.databases import create_database, drop_database, fill
from tests.benchmarks.exchanges import Operation
from tests.benchmarks.load_generator import Exchange
from tests.benchmarks.measurement import Cell
from tests.benchmarks.plan import Group, Plan, Size
from tests.benchmarks.population import Population
from tests.benchmarks.postgres_activity import Postgres
from tests.benchmarks.programs import HOST, Server

TEMPLATE = "migrated"
# `make bench` installs granian; without it the run has one reference less.
REFERENCES = {exchanges.BARE: programs.GRANIAN, exchanges.BARE_UVICORN: programs.UVICORN}


@dataclass(slots=True)
class Scenarios:
    """Serves until its stack ends."""

    stack: ExitStack
    plan: Plan
    postgres: Postgres
    server_url: str
    directory: Path
    say: Callable[[str], None]
    _population: Population = field(init=False)
    _main: dict[str, Operation] = field(init=False)

    def cells(self) -> list[Cell]:
        """Return what to measure: what the plan has chosen, and what that is set against."""
        self._prepare_template()
        self._population, server = self._serve(self.plan.main)
        self._main = _operations(exchanges.KEYHOUSE, self.plan.main, server, self._asked())
        chosen = [cell for group, cells in self._groups().items() if group in self.plan.groups for cell in cells()]
        return [*self._references(), *chosen]

    def _asked(self) -> dict[str, Sequence[Exchange]]:
        return exchanges.asked_of_both(self._population) | exchanges.asked_of_keyhouse(self._population)

    def _groups(self) -> Mapping[Group, Callable[[], Iterator[Cell]]]:
        return {
            Group.VERIFY: self._verifications,
            Group.API: lambda: self._at_each_number(exchanges.GET_USER, exchanges.LIST_KEYS, exchanges.NINJA),
            Group.PEER: self._peer,
            Group.LOGINS: self._logins,
            Group.SIZES: self._sizes,
            Group.WORKERS: self._workers,
        }

    def _references(self) -> Iterator[Cell]:
        verify = self._main[exchanges.VERIFY]
        body = _answer_of(verify)
        for number in self.plan.connections:
            yield Cell(verify, number, watches_waits=number == self.plan.crowd)
        for name, package in REFERENCES.items():
            if find_spec(package):
                log = self.directory / f"{package}.log"
                served = self.stack.enter_context(programs.constant(package, body, log))
                operation = exchanges.constant(name, served, body)
                yield from (Cell(operation, number) for number in self.plan.connections)

    def _at_each_number(self, *names: str) -> Iterator[Cell]:
        return (Cell(self._main[name], number) for number in self.plan.connections for name in names)

    def _verifications(self) -> Iterator[Cell]:
        yield from self._at_each_number(exchanges.VERIFY_SIMPLE)
        yield Cell(self._main[exchanges.VERIFY_ONE], self.plan.crowd)

    def _logins(self) -> Iterator[Cell]:
        verify, login = self._main[exchanges.VERIFY], self._main[exchanges.LOGIN]
        yield from self._at_each_number(exchanges.LOGIN)
        beside = replace(verify, name=exchanges.VERIFY_BESIDE_LOGINS)
        yield Cell(beside, self.plan.crowd, Cell(login, self.plan.logins_at_once))
        yield Cell(Operation(exchanges.ARGON2, exchanges.NO_SERVER), THREADS)

    def _sizes(self) -> Iterator[Cell]:
        plan = self.plan
        for size in (plan.fewer_keys, plan.more_keys, plan.more_usage):
            warm = self._verify(size)
            yield Cell(warm, plan.crowd)
            yield Cell(replace(warm, name=exchanges.VERIFY_AFTER_CHECKPOINT), plan.crowd, after_checkpoint=True)

    def _workers(self) -> Iterator[Cell]:
        for workers in self.plan.worker_counts:
            yield Cell(self._verify(self.plan.main, workers), self.plan.crowd, watches_waits=True)

    def _verify(self, size: Size, workers: int = 1) -> Operation:
        population, server = self._serve(size, workers)
        asked = exchanges.verifications(population)
        return Operation(exchanges.VERIFY, exchanges.KEYHOUSE, size.name, server, asked)

    def _serve(self, size: Size, workers: int = 1) -> tuple[Population, Server]:
        self.say(f"filling a database with {size.name} of {size.customers:,} customers for {workers} workers")
        name = f"{size.database}_workers_{workers}"
        url = self._database(name, TEMPLATE)
        log = self.directory / f"{name}.log"
        server = self.stack.enter_context(programs.keyhouse(self.postgres, url, log, workers))
        population = Population.of(size)
        fill(url, population, size.usage_rows)
        return population, server

    def _prepare_template(self) -> None:
        self.say("migrating a database, of which the others are copies")
        programs.migrate(self._database(TEMPLATE))

    def _database(self, name: str, template: str = "template1") -> str:
        self.stack.callback(drop_database, self.server_url, name)
        return create_database(self.server_url, name, template)

    def _peer(self) -> Iterator[Cell]:
        self.say(f"filling the other service's database with {self.plan.main.name}")
        url = self._database("peer")
        redis = self.stack.enter_context(programs.redis(self.directory / "redis.log"))
        programs.create_peer_tables(url)
        peer_database.fill(url, self._population)
        log = self.directory / "peer.log"
        server = self.stack.enter_context(programs.peer(self.postgres, url, redis, log))
        names = (exchanges.VERIFY, exchanges.GET_USER, exchanges.LIST_KEYS)
        asked = {name: self._main[name].exchanges for name in names}
        operations = _operations(exchanges.PEER, self.plan.main, server, asked)
        yield from (Cell(operations[name], number) for number in self.plan.connections for name in names)


def _operations(
    server: str, size: Size, served: Server, asked: Mapping[str, Sequence[Exchange]]
) -> dict[str, Operation]:
    return {name: Operation(name, server, size.name, served, its) for name, its in asked.items()}


def _answer_of(operation: Operation) -> bytes:
    """Return the body of one answer: what the bare servers will send as their constant."""
    head, _, body = operation.exchanges[0].request.partition(b"\r\n\r\n")
    request_line, *lines = head.decode().split("\r\n")
    method, path, _ = request_line.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    port = operation.served.port if operation.served else 0
    return httpx.request(method, f"http://{HOST}:{port}{path}", headers=headers, content=body, trust_env=False).content
