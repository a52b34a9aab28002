"""Keyhouse behind PgBouncer: transaction mode works when it is declared, and what cannot work is refused at start."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.ledger import audit, books_of
from tests.support.pgbouncer import VERSION, pgbouncer
from tests.support.server import PROJECT, free_port, separate_database, start_server
from tests.support.staff import staff_of

pytestmark = pytest.mark.e2e

CALLS = 200
SERVER_CONNECTIONS = 4  # fewer than the clients have, so that every transaction may get another one
SESSION_SETTINGS = (
    "statement_timeout",
    "lock_timeout",
    "plan_cache_mode",
    "jit",
    "idle_in_transaction_session_timeout",
)
PREPARED_SINCE = (1, 21)
ADMIN_EMAIL = "admin@keyhouse.localhost"


@pytest.fixture
def database_url() -> Iterator[str]:
    """An empty database of the test's own."""
    with separate_database(os.environ["DATABASE_URL"], "keyhouse_pooled", migrated=False) as url:
        yield url


def settings_of(url: str) -> list[object]:
    """Return the session's settings on a connection to the pooler or the server."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        return [connection.execute(f"SHOW {name}").fetchone() for name in SESSION_SETTINGS]


@pytest.mark.parametrize("pooler", ["transaction", "transaction-prepared"])
def test_transaction_mode_works(database_url: str, tmp_path: Path, pooler: str):
    if pooler == "transaction-prepared" and VERSION < PREPARED_SINCE:
        pytest.skip("needs PgBouncer 1.21 or later, which passes on prepared statements")
    more = "max_prepared_statements = 200" if VERSION >= PREPARED_SINCE else ""
    with (
        pgbouncer(
            database_url, tmp_path / "pgbouncer", "transaction", size=SERVER_CONNECTIONS, more=more
        ) as pooled_url,
        start_server(pooled_url, tmp_path / "server", DATABASE_POOLER=pooler) as server,
        server.client() as client,
        staff_of(server, server.administrator_password) as staff,
    ):
        customer = staff.make_customer(balance=CALLS)
        question = {"key": customer.secret, "cost": "1"}
        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(lambda _: verify(client, server.service_key, question), range(CALLS + 10)))
        assert sorted(answers) == ["INSUFFICIENT_CREDITS"] * 10 + ["VALID"] * CALLS
        books = books_of(database_url, customer.id)
        assert [books.balance, books.ledger, books.debits, Decimal(books.calls)] == [0, 0, CALLS, CALLS]
        assert (audited := audit(pooled_url, DATABASE_POOLER=pooler)).returncode == 0, audited.stderr
        assert sign_in_to_the_admin(client, server.administrator_password).status_code == 302
        assert client.get("/admin/users/user/").status_code == 200
        assert settings_of(pooled_url) == settings_of(database_url)
        assert server.stop() == 0
        assert "Traceback" not in server.errors


def verify(client: httpx.Client, service_key: str, question: dict[str, str]) -> str:
    response = client.post("/api/v1/keys/verify", json=question, headers={"X-API-Key": service_key})
    return str(response.json().get("code", response.text))


def sign_in_to_the_admin(client: httpx.Client, password: str) -> httpx.Response:
    client.get("/admin/login/")
    form = {"username": ADMIN_EMAIL, "password": password, "csrfmiddlewaretoken": client.cookies["staff_csrf"]}
    return client.post("/admin/login/", data=form)


@pytest.mark.parametrize(
    ("mode", "more", "declared", "reason"),
    [
        ("transaction", "", "", "unsupported startup parameter"),
        (
            "transaction",
            "ignore_startup_parameters = options",
            "",
            "the database is behind a pooler in transaction mode: set DATABASE_POOLER=transaction, or connect",
        ),
        (
            "statement",
            "ignore_startup_parameters = options",
            "",
            "PgBouncer's pool_mode must be transaction or session",
        ),
        ("statement", "", "transaction", "PgBouncer's pool_mode must be transaction or session"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_pooler_that_cannot_work_is_refused(
    database_url: str, tmp_path: Path, command: str, mode: str, more: str, declared: str, reason: str
):
    with pgbouncer(database_url, tmp_path / "pgbouncer", mode, more=more) as pooled_url:
        environment = {**os.environ, "DATABASE_URL": pooled_url, "PORT": str(free_port()), "DATABASE_POOLER": declared}
        done = subprocess.run(
            [sys.executable, "manage.py", command],
            cwd=PROJECT,
            check=False,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert reason in done.stderr


def test_session_mode_needs_no_declaration(database_url: str, tmp_path: Path):
    more = "ignore_startup_parameters = options"
    with (
        pgbouncer(database_url, tmp_path / "pgbouncer", "session", size=60, more=more) as pooled_url,
        start_server(pooled_url, tmp_path / "server", WORKERS="1") as server,
    ):
        assert server.stop() == 0
