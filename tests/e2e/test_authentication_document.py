"""The commands of `docs/authentication.md` work as written, within the default rate limits."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import ENVIRONMENT, PROJECT, Server, separate_database, start_server

pytestmark = pytest.mark.e2e

DEFAULT_LIMITS = {"LOGIN_RATE_LIMIT": "5/m", "PUBLIC_RATE_LIMIT": "60/m"}


def _lines(server: Server) -> str:
    """Return the document's shell blocks, for this server and this Python."""
    text = (PROJECT / "docs" / "authentication.md").read_text(encoding="utf-8")
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    stands_for = {
        "http://localhost:8000": server.url,
        "LOG=keyhouse.log": f"LOG='{server.directory / 'stdout'}'",
        ".venv/bin/python": sys.executable,
    }
    for written, meant in stands_for.items():
        assert written in script
        script = script.replace(written, meant)
    return script


@pytest.fixture(scope="module")
def pasted(tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    """The output of a shell that ran the document against a new Keyhouse of its own."""
    name = f"keyhouse_document_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    directory: Path = tmp_path_factory.mktemp("document")
    with (
        separate_database(os.environ["DATABASE_URL"], name) as database_url,
        start_server(database_url, directory, **DEFAULT_LIMITS) as server,
    ):
        return subprocess.run(
            ["bash", "-s"],
            input=_lines(server),
            cwd=PROJECT,
            env={**os.environ, **ENVIRONMENT},
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        )


@pytest.fixture(scope="module")
def answers(pasted: "subprocess.CompletedProcess[str]") -> list[dict[str, Any]]:
    """The responses that the document prints, in order; those that it reads itself are not among them."""
    return [json.loads(line) for line in pasted.stdout.splitlines() if line]


def _with(answers: list[dict[str, Any]], field: str) -> list[dict[str, Any]]:
    return [answer for answer in answers if field in answer]


def test_commands_of_the_document_have_the_described_results(pasted: "subprocess.CompletedProcess[str]"):
    statuses = pasted.stderr.split()
    assert statuses == [
        *("201", "200", "200", "200", "200", "200"),  # accounts
        *("200", "204", "200", "200"),  # sessions
        *("202", "200", "200", "200", "200", "200", "200", "200"),  # passwords and addresses
        *("201", "200", "202", "200", "200", "200", "200", "200", "204"),  # second factors
        *("201", "200", "200", "200", "200", "400"),  # tokens for API keys
        *("200", "200", "200", "201", "200", "201", "200", "200", "201", "201", "200", "204", "401"),  # staff
        *("200", "200", "204", "401"),  # personal data
    ], pasted.stdout + pasted.stderr


def test_address_changes_when_both_are_confirmed(answers: list[dict[str, Any]]):
    accounts = [one for one in _with(answers, "pending_email") if one["roles"] == []]
    moves = [(one["email"], one["pending_email"]) for one in accounts]
    assert moves[:4] == [
        ("bea@example.com", None),
        ("bea@example.com", None),
        ("bea@example.com", "bea@example.org"),
        ("bea@example.org", None),
    ]
    statuses = [answer["status"] for answer in _with(answers, "status")]
    assert statuses.count("pending") == statuses.count("changed") == 1


def test_token_is_active_until_it_is_revoked(answers: list[dict[str, Any]]):
    before, after = _with(answers, "active")
    assert (before["active"], before["scope"], before["token_type"]) == (True, "images:read", "Bearer")
    assert after == {"active": False}
    refused = [answer["error"] for answer in _with(answers, "error") if isinstance(answer["error"], str)]
    assert refused == ["invalid_scope"]


def test_invited_account_has_a_verified_address(answers: list[dict[str, Any]]):
    (invited,) = [one for one in _with(answers, "username") if one["username"] == "cal"]
    assert (invited["email"], invited["email_verified_at"] is not None) == ("cal@example.com", True)


def test_removed_role_removes_the_scope_of_the_key(answers: list[dict[str, Any]]):
    made = next(one for one in _with(answers, "api_key") if one["name"] == "gateway")
    listed = next(one for page in _with(answers, "items") for one in page["items"] if one.get("name") == "gateway")
    assert (made["scopes"], made["withheld_scopes"]) == (["keys:verify"], [])
    assert (listed["scopes"], listed["withheld_scopes"]) == ([], ["keys:verify"])


def test_account_is_exported_and_deleted(answers: list[dict[str, Any]]):
    (export,) = _with(answers, "exported_at")
    assert export["account"]["email"] == "bea@example.org"
    assert [key["name"] for key in export["data"]["api_keys"]["items"]] == ["gateway", "resizer"]
    assert answers[-1]["error"]["code"] == "NOT_AUTHENTICATED"
