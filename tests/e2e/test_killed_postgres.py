"""Processes of PostgreSQL are killed while batches run: afterwards the books of all customers agree."""

import os
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from config.postgres.embedded_postgres import EmbeddedPostgres
from tests.support.asker import Asker, Reply
from tests.support.frozen import kill_postmaster, start_again
from tests.support.ledger import Books, audit, books_of, request_ids
from tests.support.load import load
from tests.support.server import start_server
from tests.support.soak import repetitions
from tests.support.staff import Customer, staff_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SEED = 20261127
KILLS_EACH = repetitions(usual=2, soaking=20)
CUSTOMERS, ASKERS = 3, 6
CREDITS, CALLS, COST = 10_000_000, 1_000_000, 3
UNDISTURBED_SECONDS_MAXIMUM = 0.6
ANSWER_SECONDS_MAXIMUM = 10.0
RECOVERY_SECONDS_MAXIMUM = 15.0
TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
TERMINATIONS, TERMINATION_SECONDS = 10, 0.05
# One that works, if any does: a batch of a worker, or the expansion of batches.
BACKENDS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
ORDER BY state = 'active' DESC, backend_xid IS NOT NULL DESC, random() LIMIT 1
"""


def kill_a_backend(postgres: EmbeddedPostgres) -> None:
    """Kill a process that serves a connection. PostgreSQL ends all others then, and recovers as after a crash."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        (pid,) = connection.execute(BACKENDS).fetchone() or (0,)
    os.kill(pid, signal.SIGKILL)


def kill_and_start(postgres: EmbeddedPostgres) -> None:
    """Kill the postmaster, and start the server again."""
    kill_postmaster(postgres)
    start_again(postgres)


def end_the_sessions(postgres: EmbeddedPostgres) -> None:
    """End all sessions, several times: what had no result yet begins again on another connection, and only that."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        for _ in range(TERMINATIONS):
            connection.execute(TERMINATE)
            time.sleep(TERMINATION_SECONDS)


VICTIMS: tuple[Callable[[EmbeddedPostgres], None], ...] = (kill_a_backend, end_the_sessions, kill_and_start)


def test_killed_processes_of_postgresql_lose_and_double_nothing(tmp_path: Path):
    print(f"seed {SEED}")  # noqa: T201  shown when the test fails
    chance = random.Random(SEED)
    with (
        EmbeddedPostgres(tmp_path / "postgres") as postgres,
        start_server(postgres.url, tmp_path / "server") as server,
        staff_of(server, server.administrator_password) as staff,
    ):
        customers = [staff.make_customer(calls=CALLS, balance=CREDITS) for _ in range(CUSTOMERS)]

        def ask(asker: Asker, number: int, count: int) -> Reply:
            customer = customers[(number + count) % CUSTOMERS]
            return asker.verify_until_answered(customer.secret, cost=str(COST), request_id=f"{number}/{count}")

        with load(ASKERS, lambda _: Asker(server.url, server.service_key, ANSWER_SECONDS_MAXIMUM), ask) as running:
            running.wait_for_answers()
            for kill in VICTIMS * KILLS_EACH:
                time.sleep(chance.uniform(0, UNDISTURBED_SECONDS_MAXIMUM))
                kill(postgres)
                running.wait_for_answers(RECOVERY_SECONDS_MAXIMUM)
        _check(postgres.url, customers, running.replies)
        audited = audit(postgres.url)
        assert audited.returncode == 0, audited.stdout + audited.stderr
        with Asker(server.url, server.service_key) as asker:
            for customer, calls in zip(customers, _calls(customers, running.replies), strict=True):
                left = asker.verify(customer.secret).content
                assert left["rate_limits"][0]["remaining"] == CALLS - calls - 1
        assert server.stop() == 0, server.errors


def _calls(customers: list[Customer], replies: list[Reply]) -> list[int]:
    by_key = Counter(reply.content["key_id"] for reply in replies)
    return [by_key[customer.key_id] for customer in customers]


def _check(database_url: str, customers: list[Customer], replies: list[Reply]) -> None:
    """Check that each response has its usage, its debit and its place in the rate limit, and that nothing else has."""
    assert {reply.code for reply in replies} == {"VALID"}
    of_keys: defaultdict[int, list[Reply]] = defaultdict(list)
    for reply in replies:
        of_keys[reply.content["key_id"]].append(reply)
    for customer in customers:
        answered = of_keys[customer.key_id]
        names = Counter(reply.content["request_id"] for reply in answered)
        assert set(names.values()) == {1}
        assert request_ids(database_url, customer.id) == names
        spent = Decimal(COST * len(answered))
        left = CREDITS - spent
        assert books_of(database_url, customer.id) == Books(left, left, spent, spent, len(answered))
        # Each response has its own place in the order of debits, whichever worker has decided it.
        balances = sorted((Decimal(reply.content["balance"]) for reply in answered), reverse=True)
        assert balances == [CREDITS - COST * number for number in range(1, len(answered) + 1)]
        remaining = sorted((reply.content["rate_limits"][0]["remaining"] for reply in answered), reverse=True)
        assert remaining == [CALLS - number for number in range(1, len(answered) + 1)]
