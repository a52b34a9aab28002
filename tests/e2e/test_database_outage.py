"""An outage of the database, and a killed worker: the service recovers by itself."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from config.postgres.embedded_postgres import EmbeddedPostgres
from tests.support.assertions import assert_error
from tests.support.people import Person, sign_up
from tests.support.server import Server, start_server

ANSWER_SECONDS_MAXIMUM = 5.0
RECOVERY_SECONDS_MAXIMUM = 5.0
RESPAWN_SECONDS_MAXIMUM = 15.0
FRESH_CONNECTIONS = 20


@pytest.fixture
def postgres(tmp_path: Path) -> EmbeddedPostgres:
    """A PostgreSQL of the test's own, not started; leaving its context stops it."""
    return EmbeddedPostgres(tmp_path / "postgres", durable=False)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is left open until the test is over."""
    with ExitStack() as opened:
        yield opened


def test_service_recovers_from_a_database_outage(postgres: EmbeddedPostgres, stack: ExitStack, tmp_path: Path):
    with postgres:
        server = stack.enter_context(start_server(postgres.url, tmp_path / "server"))
        client = stack.enter_context(server.client())
        person = sign_up(client)
        secret = person.create_key()["api_key"]
        workers = {worker.pid for worker in server.workers}
        assert _verify(client, server, secret).json()["code"] == "VALID"

    _check_away(client, server, person, secret)

    with postgres:
        _wait_for(lambda: _verify(client, server, secret).status_code == 200, RECOVERY_SECONDS_MAXIMUM)
        assert _verify(client, server, secret).json()["code"] == "VALID"
        _wait_for(lambda: _every_fresh_connection_is_ready(server), RECOVERY_SECONDS_MAXIMUM)
        assert client.get("/api/v1/users/me", headers=person.headers).json()["id"] == person.id
        assert sign_up(client).id > person.id
        assert {worker.pid for worker in server.workers} == workers
        assert server.stop() == 0


def _check_away(client: httpx.Client, server: Server, person: Person, secret: str) -> None:
    login = {"email": person.email, "password": "any"}
    for ask in (
        lambda: _verify(client, server, secret),
        lambda: client.get("/api/v1/api-keys", headers=person.headers),
        lambda: client.post("/api/v1/api-keys", json={"name": "key"}, headers=person.headers),
        lambda: client.post("/api/v1/auth/login", json=login),
    ):
        started = time.monotonic()
        answer = ask()
        assert time.monotonic() - started < ANSWER_SECONDS_MAXIMUM
        assert_error(answer, 503, "UNAVAILABLE")

    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (
        503,
        {"status": "unavailable", "dependencies": {"database": "unavailable"}},
    )
    assert int(ready.headers["retry-after"]) >= 1
    alive = client.get("/health")
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})


def test_killed_worker_is_replaced(postgres: EmbeddedPostgres, stack: ExitStack, tmp_path: Path):
    with postgres:
        server = stack.enter_context(start_server(postgres.url, tmp_path / "server"))
        before = server.workers
        assert len(before) == 2
        before[0].kill()
        _wait_for(lambda: _has_replaced(server, before[0]), RESPAWN_SECONDS_MAXIMUM)
        _wait_for(lambda: _every_fresh_connection_is_ready(server), RESPAWN_SECONDS_MAXIMUM)
        assert before[1] in server.workers
        assert server.stop() == 0


def _has_replaced(server: Server, killed: psutil.Process) -> bool:
    workers = server.workers
    return len(workers) == 2 and killed not in workers


def _every_fresh_connection_is_ready(server: Server) -> bool:
    try:
        answers = [httpx.get(f"{server.url}/health/ready", timeout=5) for _ in range(FRESH_CONNECTIONS)]
    except httpx.TransportError:
        return False
    return {answer.status_code for answer in answers} == {200}


def _verify(client: httpx.Client, server: Server, secret: str) -> httpx.Response:
    return client.post("/api/v1/keys/verify", json={"key": secret}, headers={"X-API-Key": server.service_key})


def _wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
