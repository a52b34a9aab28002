"""The README's first session runs as written."""

import os
import re
import subprocess

import pytest

from tests.support.server import ENVIRONMENT, PROJECT, Server


def _first_session() -> str:
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"## A first session\n.*?```sh\n(.*?)```", text, re.DOTALL)
    assert found, "the README has no first session"
    return found[1]


@pytest.mark.e2e
def test_first_session_runs_as_written(server: Server):
    script = _first_session().replace("http://localhost:8000", server.url)
    assert server.url in script
    done = subprocess.run(
        ["bash", "-s"],
        input=script,
        cwd=PROJECT,
        env={**os.environ, **ENVIRONMENT, "DATABASE_URL": server.database_url},
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert re.findall(r'"code":"(\w+)"', done.stdout) == ["VALID", "DISABLED"], done.stdout + done.stderr
    assert '"email":"ann@example.com"' in done.stdout
    assert "revoked_reason: lost laptop" in done.stdout
