"""A PgBouncer in front of the tests' PostgreSQL."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from config.postgres.server_account import account_for, start_as
from tests.support.server import free_port

START_SECONDS = 10
MISSING = "the tests of poolers need pgbouncer on PATH; on Debian: apt-get install pgbouncer"
PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/opt/homebrew/bin")


def _version() -> tuple[int, ...]:
    printed = subprocess.check_output([PROGRAM, "--version"], text=True) if PROGRAM else "PgBouncer 0.0"
    return tuple(int(number) for number in printed.split()[1].split(".")[:2])


VERSION = _version()
CONFIGURATION = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
logfile = {directory}/pgbouncer.log
{more}
"""


@contextmanager
def pgbouncer(database_url: str, directory: Path, mode: str, *, size: int = 20, more: str = "") -> Iterator[str]:
    """Start a PgBouncer with this pool_mode, and yield the database's URL through it."""
    if PROGRAM is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    server = conninfo_to_dict(database_url)
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o777)
    target = " ".join(f"{name}={server[name]}" for name in ("host", "port", "user", "password") if name in server)
    values = {"server": target, "port": port, "mode": mode, "size": size, "directory": directory, "more": more}
    (directory / "pgbouncer.ini").write_text(CONFIGURATION.format(**values))
    # PgBouncer refuses to run as root, and the socket belongs to the account that PostgreSQL runs as.
    start = start_as(account_for(Path(str(server.get("host", directory))) / "any"), Path(PROGRAM), directory)
    command = [*start.prefix, PROGRAM, str(directory / "pgbouncer.ini")]
    process = subprocess.Popen(
        command, user=start.uid, group=start.gid, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"postgresql://{server.get('user', 'keyhouse')}@127.0.0.1:{port}/{server.get('dbname', 'keyhouse')}"
    try:
        _wait_for(url, directory)
        yield url
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _wait_for(url: str, directory: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url, prepare_threshold=None).close()
        except psycopg.OperationalError:
            log = directory / "pgbouncer.log"
            assert time.monotonic() < deadline, log.read_text()[-1000:] if log.exists() else "pgbouncer has not started"
            time.sleep(0.05)
        else:
            return
