"""Whom a server runs as when we are root, which PostgreSQL refuses, and how it is started as that account.

No permission and no owner of any file changes here.
"""

import os
import pwd
import shutil
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

CAPABILITY_BITS = {"dac_read_search": 2, "dac_override": 1}  # the smaller one first


class EmbeddedPostgresError(Exception):
    """Says in one line why there is no embedded PostgreSQL, and what to do."""


class Account(NamedTuple):
    """Whom the server runs as."""

    name: str
    uid: int
    gid: int


class Start(NamedTuple):
    """How a program becomes an account's: by a command in front of it, or by subprocess changing its user."""

    prefix: list[str]
    uid: int | None
    gid: int | None


def account_for(path: Path) -> Account:
    """Return ourselves; as root, the owner of `path` or of the closest parent that is not root's."""
    if os.geteuid() != 0:
        return Account("we", os.geteuid(), os.getegid())
    owners = [place.stat().st_uid for place in (path, *path.parents) if place.exists()]
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
    """Return how `binary` is started as `account`, even if it or `directory` lies where that may not go."""
    if os.geteuid() == account.uid:
        return Start([], None, None)
    if _reaches(account, binary) and _reaches(account, directory):
        return Start([], account.uid, account.gid)
    # A clone in /root. We may not open up folders outside `directory`, so the server gets the one capability
    # to pass them. It can then read what root can, and so can who may send it SQL: we, who are root already.
    setpriv = shutil.which("setpriv")
    capability = _passing_capability(needs_execute=not _may(account, binary, 0o5))
    if setpriv is None or capability is None:
        raise EmbeddedPostgresError(
            f"user {account.name} cannot reach {directory} or {binary}: move the project, or use no root"
        )
    # access(2) ignores capabilities without that security bit, and PostgreSQL asks it about its own programs.
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
