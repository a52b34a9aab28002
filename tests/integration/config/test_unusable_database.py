"""A database that cannot be used ends each command with one line that says why and what to do."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from config.postgres.embedded_postgres import EmbeddedPostgres
from tests.support.server import PROJECT, free_port

PASSWORD = "hunter2-hunter2"
CREATE = """
CREATE ROLE locked LOGIN PASSWORD 'right';
CREATE ROLE limited LOGIN;
CREATE DATABASE latin1 ENCODING 'LATIN1' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0
"""
COMMANDS = [["serve"], ["migrate"], ["list_plans"], ["showmigrations"]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of the module's own, which asks the role `locked` for a password."""
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("unusable") / "postgres", durable=False)
    with postgres:
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            for statement in CREATE.split(";"):
                connection.execute(statement)
        rules = postgres.directory / "data" / "pg_hba.conf"
        rules.write_text(f"local all locked scram-sha-256\n{rules.read_text()}")
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")
        yield postgres


def run(url: str, *arguments: str, **environment: str) -> str:
    """Run the command, expect a failure in one line without a traceback and password, and return the line."""
    variables = {**os.environ, "DATABASE_URL": url, "PORT": str(free_port()), **environment}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=PROJECT, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert PASSWORD not in done.stderr
    return done.stderr


def url_of(postgres: EmbeddedPostgres, user: str = "keyhouse", database: str = "keyhouse") -> str:
    """Return the URL of a database for a role with a wrong password."""
    host = urlsplit(postgres.url).query
    return f"postgresql://{user}:{PASSWORD}@/{database}?{host}"


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_password(server: EmbeddedPostgres, command: list[str]):
    line = run(url_of(server, user="locked"), *command)
    assert 'password authentication failed for user "locked": check the user and the password in DATABASE_URL' in line


def test_missing_role_database_and_socket(server: EmbeddedPostgres, tmp_path: Path):
    assert 'role "nobody" does not exist: check the user in DATABASE_URL' in run(url_of(server, "nobody"), "serve")
    assert 'database "nothing" does not exist: check the name in DATABASE_URL' in run(
        url_of(server, database="nothing"), "migrate"
    )
    elsewhere = f"postgresql://keyhouse@/keyhouse?host={quote(str(tmp_path), safe='')}"
    assert "No such file or directory" in run(elsewhere, "serve")


@pytest.mark.parametrize("command", COMMANDS)
def test_closed_port(command: list[str]):
    line = run(f"postgresql://keyhouse:{PASSWORD}@127.0.0.1:{free_port()}/keyhouse", *command)
    assert "Connection refused" in line
    assert "check host and port in DATABASE_URL" in line


def test_unknown_host():
    line = run(f"postgresql://keyhouse:{PASSWORD}@no-such-host.invalid/keyhouse", "serve")
    assert "failed to resolve host 'no-such-host.invalid'" in line
    assert "check the host in DATABASE_URL" in line


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_missing_right_to_create_tables(server: EmbeddedPostgres, command: str):
    line = run(url_of(server, user="limited"), command)
    assert "the role limited may not create tables in the schema public: GRANT CREATE, USAGE ON SCHEMA public" in line


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_wrong_encoding(server: EmbeddedPostgres, command: str):
    line = run(url_of(server, database="latin1"), command)
    assert (
        "the database has the encoding LATIN1, which cannot store every name: create one with CREATE DATABASE" in line
    )
