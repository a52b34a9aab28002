"""`kill -9` of the server process: its workers end with it, and the next start finds everything."""

import os
import re
import time
from pathlib import Path

import httpx
import psutil

from tests.support.people import sign_up
from tests.support.server import separate_database, start_server

# How the first start tells the administrator's password, that once. Letters speak of passwords too.
FIRST_PASSWORD = re.compile(r"^  password  +\S+$", re.MULTILINE)


def test_killed_server_leaves_no_workers_and_loses_nothing(tmp_path: Path):
    name = f"keyhouse_killed_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with separate_database(os.environ["DATABASE_URL"], name) as database_url:
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
            assert psutil.wait_procs(workers, timeout=10)[1] == []
        begun = time.monotonic()
        with start_server(database_url, tmp_path / "second") as second:
            # It has nothing to migrate, so only something that the killed one has left could make it wait for longer.
            assert time.monotonic() - begun < 2 * first_seconds
            assert FIRST_PASSWORD.search(first.output)
            assert FIRST_PASSWORD.search(second.output) is None
            answer = httpx.post(
                f"{second.url}/api/v1/keys/verify", json={"key": key["api_key"]}, headers={"X-API-Key": service_key}
            )
            assert answer.json()["code"] == "VALID"
