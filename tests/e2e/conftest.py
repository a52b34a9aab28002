"""A served Keyhouse, shared by the tests of one process, on a database of its own."""

import os
import signal
from collections.abc import Iterator

import httpx
import pytest

from tests.support.people import Person, sign_up
from tests.support.server import ADMINISTRATOR_EMAIL, Server, separate_database, start_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two workers; at the end of the run it has to stop cleanly."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    with (
        separate_database(os.environ["DATABASE_URL"], f"keyhouse_served_{worker}") as database_url,
        start_server(database_url, tmp_path_factory.mktemp("server")) as served,
    ):
        yield served
        assert served.stop(signal.SIGTERM) == 0, served.errors
        assert "Traceback" not in served.errors
        assert "Killing" not in served.errors


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """A client without credentials."""
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def administrator(server: Server) -> dict[str, str]:
    """The headers of the administrator's session."""
    credentials = {"email": ADMINISTRATOR_EMAIL, "password": server.administrator_password}
    with server.client() as client:
        answer = client.post("/api/v1/auth/login", json=credentials)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture
def service(server: Server) -> dict[str, str]:
    """The headers of the service that asks about keys."""
    return {"X-API-Key": server.service_key}


@pytest.fixture
def person(client: httpx.Client) -> Person:
    """Somebody who has just signed up and in."""
    return sign_up(client)
