"""The served OpenAPI document is correct: schemathesis finds no 5xx and no undocumented response."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.people import Person, sign_up
from tests.support.server import PROJECT, Server, separate_database, start_server

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
EXAMPLES = 10
SEED = 20261122
SECONDS_MAXIMUM = 45
# Their success ends the caller's session or account.
ENDING = ("logout", "end_session", "end_sessions", "update_own_user", "delete_user", "change_password")
SECONDS_OF_THE_FEW = 30  # for the operations in ENDING
SUCCESSES_MINIMUM = (
    0.25  # of the responses to operations that need a credential; the others are refused for their input
)
FAR = 900000  # from here on, ids are too large to be hit by chance


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
def other(contract_server: Server) -> Person:
    """A customer, at whom requests to change an account are directed."""
    with contract_server.client() as client:
        return sign_up(client)


@pytest.fixture(scope="module")
def superuser(contract_server: Server, other: Person) -> Person:
    """Staff with all rights."""
    _execute(contract_server, f"SELECT setval('users_id_seq', {FAR}), setval('sessions_id_seq', {FAR})")
    with contract_server.client() as client:
        person = sign_up(client)
    _execute(contract_server, f"UPDATE users SET is_staff = true, is_superuser = true WHERE id = {person.id}")
    return person


@pytest.mark.timeout(300)
def test_responses_to_a_superuser_match_the_document(
    contract_server: Server, superuser: Person, other: Person, tmp_path: Path
):
    excluded = [f"--exclude-operation-id={operation}" for operation in ENDING]
    found = _run_schemathesis(contract_server, superuser, other, tmp_path, SECONDS_MAXIMUM, *excluded)
    _require_successes(found)
    with contract_server.client() as client:
        assert client.get("/api/v1/users/me", headers=superuser.headers).status_code == 200


@pytest.mark.timeout(300)
def test_responses_that_end_access_match_the_document(
    contract_server: Server, superuser: Person, other: Person, tmp_path: Path
):
    included = [f"--include-operation-id={operation}" for operation in ENDING]
    found = _run_schemathesis(contract_server, superuser, other, tmp_path, SECONDS_OF_THE_FEW, *included)
    _require_successes(found)


def _run_schemathesis(
    server: Server, caller: Person, other: Person, directory: Path, seconds: int, *options: str
) -> list[tuple[str, int]]:
    """Return the operation and status of each response to the caller, after asserting that all are documented."""
    command = [
        sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()",
        "run", f"{server.url}/openapi.json", f"--checks={','.join(CHECKS)}",
        f"--max-examples={EXAMPLES}", f"--seed={SEED}", f"--max-time={seconds}", "--continue-on-failure",
        "--phases=examples,coverage,fuzzing", "--suppress-health-check=all", "--warnings=off", "--no-color",
        "--generation-database=none", "--no-shrink", *options,
    ]  # fmt: skip
    responses = directory / "responses.jsonl"
    contract = {"url": server.url, "authorization": caller.headers["Authorization"], "other_id": other.id}
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.support.contract_hooks", "PYTHONPATH": str(PROJECT)}
    environment["CONTRACT"] = json.dumps({**contract, "ending": ENDING, "responses": str(responses)})
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
    assert re.search(r"Tested: [1-9]", done.stdout), done.stdout
    assert "No issues found" in done.stdout
    return [tuple(json.loads(line)) for line in responses.read_text().splitlines()]


def _require_successes(found: list[tuple[str, int]]) -> None:
    """Assert that the caller was signed in throughout, and that enough of its requests have done something."""
    assert [operation for operation, status in found if status == 401] == []
    successes = sum(200 <= status < 300 for _, status in found)
    assert successes >= SUCCESSES_MINIMUM * len(found), Counter(found)


def _execute(server: Server, sql: str) -> None:
    with psycopg.connect(server.database_url) as connection:
        connection.execute(sql.encode())
