"""A worker is stopped or killed at a known step of a batch: nothing is charged twice or lost, and others go on.

A row that the test locks holds the batch at the step: it waits in PostgreSQL for the lock of a balance in its first
round trip, and for that of a counter in its second.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from decimal import Decimal
from http.client import HTTPException
from typing import Any
from uuid import uuid4

import psutil
import psycopg
import pytest

from tests.support.asker import Asker, Reply
from tests.support.fleet import Fleet
from tests.support.ledger import Books, audit, books_of, request_ids
from tests.support.load import load
from tests.support.staff import Customer

pytestmark = pytest.mark.e2e

CREDITS, COST = 1000, 7
BALANCE = "SELECT 1 FROM credit_balances WHERE user_id = %s FOR NO KEY UPDATE"
COUNTER = "SELECT 1 FROM api_key_counters WHERE api_key_id = %s FOR NO KEY UPDATE"
IS_AWAITED = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database() AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
"""
# The session of a batch that is open between two round trips: it waits for the worker, in a transaction with an id.
IS_BETWEEN = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event = 'ClientRead' AND backend_xid IS NOT NULL AND state = 'active'
"""
SECONDS_MAXIMUM = 10.0
RESPAWN_SECONDS_MAXIMUM = 30.0
TRANSACTION_SECONDS = 15.0  # after which PostgreSQL ends a transaction that its worker does not continue
STOPPED, OTHER = 1, 2  # servers of the fleet
OTHERS = 3
PAUSE_SECONDS = 0.02


def spent(calls: int) -> Books:
    """Return the books of a customer who has paid for so many calls."""
    cost = Decimal(COST * calls)
    return Books(CREDITS - cost, CREDITS - cost, cost, cost, calls)


class Scene:
    """A customer, and a call of theirs that the worker to be stopped has begun to decide."""

    def __init__(self, fleet: Fleet, threads: ThreadPoolExecutor) -> None:
        self.fleet, self._threads = fleet, threads
        self.customer = fleet.staff.make_customer(balance=CREDITS)
        self.request_id = uuid4().hex
        (self.worker,) = fleet.servers[STOPPED].workers
        self.begun: Future[Reply | None]

    def verify(self, server: int, customer: Customer | None = None, **query: Any) -> Reply:
        with self.fleet.asker(server) as asker:
            return asker.verify((customer or self.customer).secret, cost=str(COST), **query)

    def retry(self, server: int = OTHER) -> Reply:
        """Send the call again."""
        return self.verify(server, request_id=self.request_id)

    @property
    def books(self) -> Books:
        return books_of(self.fleet.database_url, self.customer.id)

    def stop_while_it_waits(self, statement: str, row_id: int, then: str) -> None:
        """Stop the worker while its batch waits for the row; return when PostgreSQL has gone on as far as `then`."""
        self.verify(STOPPED, self.fleet.staff.make_customer(balance=CREDITS))  # has cached what its caller is
        with psycopg.connect(self.fleet.database_url) as holder:
            holder.execute(statement, [row_id])
            self.begun = self.begin()
            self._wait_until(holder, IS_AWAITED)
            self.worker.suspend()
        with psycopg.connect(self.fleet.database_url, autocommit=True) as observer:
            self._wait_until(observer, then)

    def begin(self) -> "Future[Reply | None]":
        """Send the call to the server of the worker, and return without waiting for the response."""
        return self._threads.submit(self._ask)

    def kill(self) -> None:
        """Kill the worker, and wait until PostgreSQL has noticed."""
        self.worker.kill()
        assert self.begun.result(SECONDS_MAXIMUM) is None

    def _ask(self) -> Reply | None:
        with suppress(OSError, HTTPException):
            return self.retry(STOPPED)
        return None

    def _wait_until(self, connection: "psycopg.Connection[Any]", statement: str) -> None:
        _wait_for(lambda: connection.execute(statement.encode()).fetchone() != (0,))


def _wait_for(condition: Callable[[], bool], seconds: float = SECONDS_MAXIMUM) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def scene(fleet: Fleet) -> Iterator[Scene]:
    """A scene; at its end, the server has a worker that responds."""
    with ThreadPoolExecutor(4) as threads:
        opened = Scene(fleet, threads)
        with _resumed(opened.worker):
            yield opened
    server = fleet.servers[STOPPED]

    def is_ready() -> bool:
        with suppress(OSError, HTTPException):
            return bool(server.workers) and opened.verify(STOPPED).status == 200
        return False

    _wait_for(is_ready, RESPAWN_SECONDS_MAXIMUM)


@pytest.fixture(scope="module", autouse=True)
def _audited(fleet: Fleet) -> Iterator[None]:
    yield
    audited = audit(fleet.database_url)
    assert audited.returncode == 0, audited.stdout + audited.stderr


@contextmanager
def _resumed(worker: psutil.Process) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            worker.resume()


def test_killed_between_the_round_trips(scene: Scene):
    # It has locked and decided, or will when it gets the rows; it has written nothing.
    scene.stop_while_it_waits(BALANCE, scene.customer.id, IS_BETWEEN)
    assert scene.verify(OTHER).status == 503  # of this customer alone
    scene.kill()
    _wait_for(lambda: scene.verify(OTHER, scopes=["no:such"]).status == 200)  # the lock has gone
    assert scene.books == spent(0)
    assert scene.retry().code == "VALID"
    assert scene.retry().content == scene.retry(0).content
    assert scene.books == spent(1)
    assert request_ids(scene.fleet.database_url, scene.customer.id) == {scene.request_id: 1}


def test_killed_after_the_commit_and_before_the_response(scene: Scene):
    written = f"SELECT count(*) FROM usage_records WHERE request_id = '{scene.request_id}'"
    scene.stop_while_it_waits(COUNTER, scene.customer.key_id, written)
    assert scene.books == spent(1)
    scene.kill()
    first = scene.retry()
    assert (first.code, first.content["balance"]) == ("VALID", f"{CREDITS - COST}.000000")
    assert scene.retry(0).content == first.content
    assert scene.books == spent(1)


def test_stopped_for_longer_than_the_timeouts(scene: Scene):
    others = [scene.fleet.staff.make_customer(balance=CREDITS) for _ in range(OTHERS)]
    scene.stop_while_it_waits(BALANCE, scene.customer.id, IS_BETWEEN)

    def ask(asker: Asker, number: int, _count: int) -> Reply:
        time.sleep(PAUSE_SECONDS)
        secret = others[number].secret if number < OTHERS else scene.customer.secret
        return asker.verify(secret, cost=str(COST), scopes=[] if number < OTHERS else ["no:such"])

    with load(OTHERS + 1, lambda _: scene.fleet.asker(OTHER), ask) as running:
        running.wait_for_answers()
        _wait_for(lambda: scene.retry().status == 200, TRANSACTION_SECONDS + SECONDS_MAXIMUM)
    *replies, of_the_stopped = running.replies_of_each
    assert {reply.status for replies_of_one in replies for reply in replies_of_one} == {200}
    assert {reply.status for reply in of_the_stopped} == {200, 503}
    scene.worker.resume()
    late = scene.begun.result(SECONDS_MAXIMUM)
    assert late is not None
    assert late.status == 503, late
    assert scene.retry(STOPPED).content == scene.retry().content
    assert scene.books == spent(1)


def test_revoked_while_the_worker_was_stopped(scene: Scene):
    scene.verify(STOPPED)
    scene.worker.suspend()
    scene.fleet.staff.call("POST", f"/api-keys/{scene.customer.key_id}/revoke")
    asked = scene.begin()
    scene.worker.resume()
    answered = asked.result(SECONDS_MAXIMUM)
    assert answered is not None
    assert answered.code == "DISABLED"
    assert scene.books == spent(1)
