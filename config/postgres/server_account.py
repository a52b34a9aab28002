"""Chooses the account that PostgreSQL runs as when this process is root, which PostgreSQL refuses to run as.

Changes neither permissions nor owners of files.
"""

import os
import pwd
import shutil
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

CAPABILITY_BITS = {"dac_read_search": 2, "dac_override": 1}  # the smaller one first


class EmbeddedPostgresError(Exception):
    """The reason why the embedded PostgreSQL is unavailable, and what to do, in one line."""


class Account(NamedTuple):
    """The account that the server runs as."""

    name: str
    uid: int
    gid: int


class Start(NamedTuple):
    """How to start a program as an account: with a command prefix, or with the user and group for subprocess."""

    prefix: list[str]
    uid: int | None
    gid: int | None


def account_for(path: Path) -> Account:
    """Return the current account; as root, the owner of `path` or of the closest parent that root does not own."""
    if os.geteuid() != 0:
        return Account("current", os.geteuid(), os.getegid())
    owners = [parent.stat().st_uid for parent in (path, *path.parents) if parent.exists()]
    for entry in (*map(_entry, owners), _entry("postgres"), _entry("nobody")):
        if entry is not None and entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(
        "PostgreSQL refuses to run as root and there is no user `nobody`: start as another user"
    )


def _entry(user: int | str) -> pwd.struct_passwd | None:
    with suppress(KeyError):
        return pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
    return None


def start_as(account: Account, binary: Path, directory: Path) -> Start:
    """Return how to start `binary` as `account`, even if that has no access to it or to `directory`."""
    if os.geteuid() == account.uid:
        return Start([], None, None)
    if _reaches(account, binary) and _reaches(account, directory):
        return Start([], account.uid, account.gid)
    # A clone in /root. Directories outside `directory` must stay closed, so the server gets the one capability to
    # pass them. It can then read what root can, and so can its clients: only this process, which is already root.
    setpriv = shutil.which("setpriv")
    capability = _passing_capability(needs_execute=not _may(account, binary, 0o5))
    if setpriv is None or capability is None:
        raise EmbeddedPostgresError(
            f"user {account.name} has no access to {directory} or {binary}: move the project, or start as another user"
        )
    # access(2) ignores capabilities without that security bit, and PostgreSQL calls it for its own programs.
    user = [
        f"--reuid={account.uid}",
        f"--regid={account.gid}",
        "--clear-groups",
        "--securebits=+no_setuid_fixup",
    ]
    return Start([setpriv, *user, f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}", "--"], None, None)


def _reaches(account: Account, path: Path) -> bool:
    return all(_may(account, parent, 0o1) for parent in path.parents) and _may(account, path, 0o5)


def _may(account: Account, path: Path, bits: int) -> bool:
    status = path.stat()
    shift = 6 if status.st_uid == account.uid else 3 if status.st_gid == account.gid else 0
    return (status.st_mode >> shift) & bits == bits


def _passing_capability(*, needs_execute: bool) -> str | None:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        ours = int(next(line.split()[1] for line in lines if line.startswith("CapPrm:")), 16)
        usable = {name for name, bit in CAPABILITY_BITS.items() if ours >> bit & 1}
        usable -= {"dac_read_search"} if needs_execute else set()
        return next((name for name in CAPABILITY_BITS if name in usable), None)
    return None
