"""SECRET_KEY is rotated by a rolling restart: sessions stay signed in, and the former key is not needed afterwards."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.people import PASSWORD, sign_up
from tests.support.server import (
    ADMINISTRATOR_EMAIL,
    ENVIRONMENT,
    PROJECT,
    Server,
    free_port,
    separate_database,
    start_server,
)

pytestmark = pytest.mark.e2e

FORMER, PRESENT = "the-former-secret-key-" * 3, "the-present-secret-key-" * 3
ISSUER = "http://keyhouse.localhost"  # of all servers, so that the tokens of one are valid at the others


@pytest.fixture
def database_url() -> Iterator[str]:
    """An empty database of the test's own."""
    with separate_database(os.environ["DATABASE_URL"], "keyhouse_rotation", migrated=False) as url:
        yield url


def serve(database_url: str, directory: Path, key: str, *fallbacks: str) -> Server:
    """Start a server with these keys."""
    keys = {"SECRET_KEY": key, "SECRET_KEY_FALLBACKS": ",".join(fallbacks)}
    return start_server(database_url, directory, WORKERS="1", TOKEN_ISSUER=ISSUER, **keys)


def refresh(server: Server, token: str) -> str:
    """Refresh at the server, and return the next refresh token."""
    response = httpx.post(f"{server.url}/api/v1/auth/refresh", json={"refresh_token": token}, timeout=30)
    assert response.status_code == 200, response.text
    return str(response.json()["refresh_token"])


def key_ids(server: Server) -> list[str]:
    """Return the ids of the published signing keys."""
    return [key["kid"] for key in httpx.get(f"{server.url}/.well-known/jwks.json").json()["keys"]]


def sign_in_to_the_admin(server: Server, browser: httpx.Client) -> None:
    browser.get(f"{server.url}/admin/login/")
    form = {
        "username": ADMINISTRATOR_EMAIL,
        "password": server.administrator_password,
        "csrfmiddlewaretoken": browser.cookies["staff_csrf"],
    }
    assert browser.post(f"{server.url}/admin/login/", data=form).status_code == 302


def run(database_url: str, *arguments: str, key: str, fallbacks: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a management command with these keys."""
    keys = {"SECRET_KEY": key, "SECRET_KEY_FALLBACKS": fallbacks}
    variables = {"DATABASE_URL": database_url, "PORT": str(free_port()), **keys}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env={**os.environ, **ENVIRONMENT, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_rolling_restart_with_a_new_key(database_url: str, tmp_path: Path):
    with httpx.Client(timeout=30) as browser:
        with serve(database_url, tmp_path / "0", FORMER) as server, server.client() as client:
            person = sign_up(client)
            pair = client.post("/api/v1/auth/login", json={"email": person.email, "password": PASSWORD}).json()
            token, kids = pair["refresh_token"], key_ids(server)
            sign_in_to_the_admin(server, browser)
            server.stop()

        refused = run(database_url, "serve", key=PRESENT)
        assert refused.returncode == 1
        assert refused.stderr == (
            "CommandError: SECRET_KEY is not the key that this database was used with. To rotate it, put the former "
            "key into SECRET_KEY_FALLBACKS. If the former key is lost, run `manage.py accept_secret_key`.\n"
        )

        with (
            serve(database_url, tmp_path / "1", FORMER, PRESENT) as old,
            serve(database_url, tmp_path / "2", PRESENT, FORMER) as new,
        ):
            for server in (old, new, old, new):
                token = refresh(server, token)
                assert browser.get(f"{server.url}/admin/").status_code == 200
                assert httpx.get(f"{server.url}/api/v1/users/me", headers=person.headers).status_code == 200
            assert key_ids(old) == key_ids(new) == kids
            old.stop()
            new.stop()

        done = run(database_url, "reencrypt_secrets", key=PRESENT, fallbacks=FORMER)
        assert (done.returncode, done.stdout) == (0, "reencrypted: 1\nunreadable: 0\n"), done.stderr
        with serve(database_url, tmp_path / "3", PRESENT) as server:
            refresh(server, token)
            assert key_ids(server) == kids
            server.stop()
