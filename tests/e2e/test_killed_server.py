"""`kill -9` of the server process: its workers end with it, and the next start finds everything."""

import os
import re
import time
from pathlib import Path

import httpx
import psutil
import psycopg

from tests.support.people import sign_up
from tests.support.server import separate_database, start_server

# How the first start prints the administrator's password, once. Messages in the log mention passwords too.
FIRST_PASSWORD = re.compile(r"^  password  +\S+$", re.MULTILINE)
END_SECONDS_MAXIMUM = 10
# Less than any timeout that ends what a dead process holds: sessions, locks and connections have 15 seconds.
WAIT_SECONDS_MAXIMUM = 12
SESSIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


def test_killed_server_leaves_no_workers_and_loses_nothing(tmp_path: Path):
    name = f"keyhouse_killed_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with separate_database(os.environ["DATABASE_URL"], name, migrated=False) as database_url:
        begun = time.monotonic()
        with start_server(database_url, tmp_path / "first") as first:
            first_seconds = time.monotonic() - begun
            service_key = first.service_key
            with first.client() as client:
                key = sign_up(client).create_key()
            workers = first.workers
            first.process.kill()
            first.process.wait()
            assert len(workers) == 2
            assert psutil.wait_procs(workers, timeout=END_SECONDS_MAXIMUM)[1] == []
        _wait_for_the_end_of_sessions(database_url)
        begun = time.monotonic()
        with start_server(database_url, tmp_path / "second") as second:
            # Only something that the killed one has left could make it wait. Load on the machine may double its time.
            assert time.monotonic() - begun < 2 * first_seconds + WAIT_SECONDS_MAXIMUM
            assert FIRST_PASSWORD.search(first.output)
            assert FIRST_PASSWORD.search(second.output) is None
            answer = httpx.post(
                f"{second.url}/api/v1/keys/verify", json={"key": key["api_key"]}, headers={"X-API-Key": service_key}
            )
            assert answer.json()["code"] == "VALID"


def _wait_for_the_end_of_sessions(database_url: str) -> None:
    deadline = time.monotonic() + END_SECONDS_MAXIMUM
    with psycopg.connect(database_url, autocommit=True) as connection:
        while connection.execute(SESSIONS).fetchone() != (0,):
            assert time.monotonic() < deadline, "a killed process has left a session"
            time.sleep(0.05)
