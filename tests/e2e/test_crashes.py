"""`kill -9` of workers and of PostgreSQL under load: no response is lost or charged twice, and the service recovers."""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

from config.postgres.embedded_postgres import EmbeddedPostgres
from tests.support.asker import Asker, Reply
from tests.support.frozen import kill, start_again
from tests.support.ledger import Books, audit, books_of, request_ids, wait_until_expanded
from tests.support.load import load
from tests.support.server import Server, separate_database, start_server
from tests.support.soak import repetitions
from tests.support.staff import Customer, Staff, staff_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SEED = 20261122
WORKERS = 3
KILLS = repetitions(usual=5, soaking=20)
ASKERS = 6
CREDITS = 10_000_000
COST = 3
UNDISTURBED_SECONDS_MAXIMUM = 0.8
ANSWER_SECONDS_MAXIMUM = 10.0  # longer than it may take to recover, so that no hanging answer passes unseen
RESPAWN_SECONDS_MAXIMUM = 30.0
RECOVERY_SECONDS_MAXIMUM = 8.0


def test_killed_workers_lose_no_answered_request(tmp_path: Path):
    name = f"keyhouse_crashes_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with separate_database(os.environ["DATABASE_URL"], name) as url, _served(url, tmp_path) as (server, staff):

        def kill_a_worker(chance: random.Random) -> None:
            chance.choice(_all_workers(server)).kill()

        customer = staff.make_customer(balance=CREDITS)
        replies = _crash(server, customer, kill_a_worker, RESPAWN_SECONDS_MAXIMUM)
        _check(server, customer, replies)


def test_killed_database_loses_no_answered_request(tmp_path: Path):
    with EmbeddedPostgres(tmp_path / "postgres") as postgres, _served(postgres.url, tmp_path) as (server, staff):

        def kill_the_database(_: random.Random) -> None:
            kill(postgres)
            start_again(postgres)

        customer = staff.make_customer(balance=CREDITS)
        replies = _crash(server, customer, kill_the_database, RECOVERY_SECONDS_MAXIMUM)
        _check(server, customer, replies)


@contextmanager
def _served(database_url: str, directory: Path) -> Iterator[tuple[Server, Staff]]:
    with (
        start_server(database_url, directory / "server", WORKERS=str(WORKERS)) as server,
        staff_of(server, server.administrator_password) as staff,
    ):
        yield server, staff
        assert server.stop() == 0, server.errors


def _crash(
    server: Server, customer: Customer, break_something: Callable[[random.Random], None], seconds_maximum: float
) -> list[Reply]:
    """Break it KILLS times under load, each time when it has come back by itself, and return all answers."""
    print(f"seed {SEED}")  # noqa: T201  shown when the test fails
    chance = random.Random(SEED)

    def ask(asker: Asker, number: int, count: int) -> Reply:
        return asker.verify_until_answered(customer.secret, cost=str(COST), request_id=f"{number}/{count}")

    with load(ASKERS, lambda _: Asker(server.url, server.service_key, ANSWER_SECONDS_MAXIMUM), ask) as running:
        running.wait_for_answers()
        for _ in range(KILLS):
            time.sleep(chance.uniform(0, UNDISTURBED_SECONDS_MAXIMUM))
            break_something(chance)
            running.wait_for_answers(seconds_maximum)
    return running.replies


def _all_workers(server: Server) -> list[psutil.Process]:
    """Return the workers when all are there again, be the last as young as it may."""
    deadline = time.monotonic() + RESPAWN_SECONDS_MAXIMUM
    while len(workers := server.workers) < WORKERS:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return workers


def _check(server: Server, customer: Customer, replies: list[Reply]) -> None:
    """Check that every answer has its usage row and its debit, once, and that nothing else has."""
    assert {reply.code for reply in replies} == {"VALID"}
    answered = [reply.content["request_id"] for reply in replies]
    assert request_ids(server.database_url, customer.id) == dict.fromkeys(answered, 1)
    assert len(set(answered)) == len(answered)
    _check_books(server, customer, len(replies))
    with Asker(server.url, server.service_key) as asker:
        for reply in replies[:: max(1, len(replies) // 100)]:
            again = asker.verify(customer.secret, cost=str(COST), request_id=reply.content["request_id"])
            assert again.content == reply.content
    _check_books(server, customer, len(replies))
    wait_until_expanded(server.database_url)
    _check_books(server, customer, len(replies))
    audited = audit(server.database_url)
    assert audited.returncode == 0, audited.stdout + audited.stderr


def _check_books(server: Server, customer: Customer, calls: int) -> None:
    spent = Decimal(COST * calls)
    assert books_of(server.database_url, customer.id) == Books(CREDITS - spent, CREDITS - spent, spent, spent, calls)
