"""Starting: what is printed is true when it is printed."""

import os
from pathlib import Path

import httpx

from tests.support.server import launch_server, says_that_it_serves, separate_database, wait_until


def test_whoever_reads_that_it_serves_is_answered(tmp_path: Path):
    name = f"keyhouse_started_{os.getpid()}"
    with separate_database(os.environ["DATABASE_URL"], name) as url, launch_server(url, tmp_path) as server:
        wait_until(server, says_that_it_serves)
        assert httpx.get(f"{server.url}/health", timeout=30).status_code == 200
        assert server.stop() == 0
        assert server.output.count("Keyhouse serves") == 1
        assert server.administrator_password
        assert server.errors == ""
