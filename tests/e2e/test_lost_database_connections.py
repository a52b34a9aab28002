"""All connections to the database are lost at once, as after a failover: the next requests succeed all the same."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.people import Person, sign_up
from tests.support.server import ADMINISTRATOR_EMAIL, Server, separate_database, start_server

pytestmark = pytest.mark.e2e

CLIENTS = 12
LOSSES = 3
TERMINATE = """
SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with one worker and a database of its own."""
    with (
        separate_database(os.environ["DATABASE_URL"], "keyhouse_lost_connections", migrated=False) as url,
        start_server(url, tmp_path / "server", WORKERS="1") as served,
    ):
        yield served
        assert "Traceback" not in served.errors


@pytest.fixture
def browser(server: Server) -> Iterator[httpx.Client]:
    """A browser that is signed in to the admin."""
    with server.client() as client:
        client.get("/admin/login/")
        form = {
            "username": ADMINISTRATOR_EMAIL,
            "password": server.administrator_password,
            "csrfmiddlewaretoken": client.cookies["staff_csrf"],
        }
        assert client.post("/admin/login/", data=form).status_code == 302
        yield client


def test_requests_after_all_connections_are_lost(server: Server, browser: httpx.Client):
    with server.client() as client, ThreadPoolExecutor(CLIENTS) as threads:
        person = sign_up(client)
        secret = person.create_key()["api_key"]

        def ask(number: int) -> int:
            match number % 4:
                case 0:
                    question = {"key": secret}
                    headers = {"X-API-Key": server.service_key}
                    return client.post("/api/v1/keys/verify", json=question, headers=headers).status_code
                case 1:
                    return client.get("/api/v1/users/me", headers=person.headers).status_code
                case 2:
                    return rename(client, person, number)
                case _:
                    return browser.get("/admin/users/user/").status_code

        for _ in range(LOSSES):
            assert set(threads.map(ask, range(4 * CLIENTS))) == {200}  # fills every pool
            with psycopg.connect(server.database_url, autocommit=True) as connection:
                (lost,) = connection.execute(TERMINATE).fetchall()[0]
            assert lost > 4
            began = time.monotonic()
            statuses = list(threads.map(ask, range(4 * CLIENTS)))
            assert set(statuses) == {200}, (statuses, time.monotonic() - began)
            assert client.get("/health/ready").status_code == 200


def rename(client: httpx.Client, person: Person, number: int) -> int:
    body = {"full_name": f"Ann {number}"}
    return client.patch("/api/v1/users/me", json=body, headers=person.headers).status_code
