"""Starting: what the server prints holds when it is printed."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from signal import SIGINT, SIGTERM

import httpx
import pytest

from tests.support.server import PROJECT, Server, is_announced, launch_server, separate_database, wait_until


def test_announced_server_responds(tmp_path: Path):
    name = f"keyhouse_started_{os.getpid()}"
    with (
        separate_database(os.environ["DATABASE_URL"], name, migrated=False) as url,
        launch_server(url, tmp_path) as server,
    ):
        wait_until(server, is_announced)
        assert httpx.get(f"{server.url}/health", timeout=30).status_code == 200
        assert server.stop() == 0
        assert server.output.count("Keyhouse is running") == 1
        assert server.administrator_password
        # The packages are in the environment of this interpreter, wherever `python` on PATH leads.
        interpreter = Path(sys.executable)
        shown = interpreter.relative_to(PROJECT) if interpreter.is_relative_to(PROJECT) else interpreter
        assert f"  {shown} manage.py verify_api_key - " in server.output
        # In no command: other users of the machine can read its arguments.
        assert server.output.count(server.service_key) == 1
        assert server.errors == ""


@pytest.mark.parametrize(
    "stop",
    [lambda server: server.stop(SIGTERM), lambda server: server.stop(SIGINT), Server.interrupt_like_a_terminal],
    ids=["terminated", "interrupted", "interrupted by a terminal"],
)
def test_first_secrets_are_printed_when_stopped_before_serving(tmp_path: Path, stop: Callable[[Server], int]):
    name = f"keyhouse_stopped_early_{os.getpid()}"
    with separate_database(os.environ["DATABASE_URL"], name) as url, launch_server(url, tmp_path) as server:
        wait_until(server, lambda starting: bool(starting.workers))
        stop(server)
        assert (server.output.count("  password "), server.output.count("  service key ")) == (1, 1)
        assert server.administrator_password
        assert server.service_key
