"""The served OpenAPI document is correct: schemathesis finds no 5xx and no undocumented response."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from apps.core.authorization.catalogue import CATALOGUE
from tests.support.people import Person, sign_up
from tests.support.server import Server, separate_database, start_server

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
EXAMPLES = 15
SEED = 20261122
SECONDS_MAXIMUM = 25
SECONDS_OF_THE_FEW = 10  # for the operations in ENDING
# What would end the caller's own session or account, and with it the test. It is asked for with a key instead.
ENDING = ("logout", "end_session", "end_sessions", "update_own_user", "delete_user", "change_password")


@pytest.fixture(scope="module")
def contract_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this module's own, because anything may happen to what it holds."""
    name = f"keyhouse_contract_{os.getpid()}"
    with (
        separate_database(os.environ["DATABASE_URL"], name) as url,
        start_server(url, tmp_path_factory.mktemp("contract")) as server,
    ):
        yield server


@pytest.fixture(scope="module")
def superuser(contract_server: Server) -> Person:
    """Staff with all rights, whose ids are too large to be hit by chance."""
    _execute(contract_server, "SELECT setval('users_id_seq', 900000), setval('sessions_id_seq', 900000)")
    with contract_server.client() as client:
        person = sign_up(client)
    _execute(contract_server, f"UPDATE users SET is_staff = true, is_superuser = true WHERE id = {person.id}")
    return person


@pytest.fixture(scope="module")
def key(contract_server: Server, superuser: Person) -> str:
    """A key of theirs, made before anything has happened to the plans, and with an id as large."""
    _execute(contract_server, "SELECT setval('api_keys_id_seq', 900000)")
    new = {"name": "key", "scopes": sorted(CATALOGUE)}
    with contract_server.client() as client:
        made: str = client.post("/api/v1/api-keys", json=new, headers=superuser.headers).json()["api_key"]
    return made


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("key")
def test_responses_to_a_superuser_match_the_document(contract_server: Server, superuser: Person, tmp_path: Path):
    excluded = [f"--exclude-operation-id={operation}" for operation in ENDING]
    _run_schemathesis(contract_server, superuser.headers["Authorization"], tmp_path, SECONDS_MAXIMUM, *excluded)


@pytest.mark.timeout(300)
def test_responses_to_a_key_match_the_document(contract_server: Server, key: str, tmp_path: Path):
    included = [f"--include-operation-id={operation}" for operation in (*ENDING, "list_sessions")]
    _run_schemathesis(contract_server, f"Bearer {key}", tmp_path, SECONDS_OF_THE_FEW, *included)


def _run_schemathesis(server: Server, authorization: str, directory: Path, seconds: int, *options: str) -> None:
    command = [
        sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()",
        "run", f"{server.url}/openapi.json",
        f"--header=Authorization: {authorization}", f"--checks={','.join(CHECKS)}",
        f"--max-examples={EXAMPLES}", f"--seed={SEED}", f"--max-time={seconds}", "--continue-on-failure",
        "--phases=examples,coverage,fuzzing", "--suppress-health-check=all", "--warnings=off", "--no-color",
        "--generation-database=none", "--no-shrink", *options,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
    assert re.search(r"Tested: [1-9]", done.stdout), done.stdout
    assert "No issues found" in done.stdout


def _execute(server: Server, sql: str) -> None:
    with psycopg.connect(server.database_url) as connection:
        connection.execute(sql.encode())
