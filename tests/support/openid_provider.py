"""A real OpenID provider, which nobody here wrote: npm's `oidc-provider`, on a port of this machine."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.server import PROJECT, free_port

SOURCES = PROJECT / "tests" / "support" / "oidc_provider"
INSTALLED = PROJECT / ".keyhouse" / "oidc-provider"
FILES = ("package.json", "package-lock.json", "provider.mjs")
MISSING = "Node.js with npm is needed for the OpenID provider of these tests"
CLIENT_ID, CLIENT_SECRET = "keyhouse-tests", "a secret+of/the:client%"
INSTALL_SECONDS = 110
START_SECONDS = 20


@dataclass(frozen=True)
class RunningProvider:
    """A provider that serves."""

    issuer: str
    process: "subprocess.Popen[bytes]"


@contextmanager
def openid_provider(callbacks: Sequence[str]) -> Iterator[RunningProvider]:
    """Serve a provider with one client, who may be called back at these addresses."""
    directory = _installed()
    port = free_port()
    client = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": list(callbacks),
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
    }
    settings = {"port": port, "clients": [client]}
    process = _start(directory, settings)
    provider = RunningProvider(f"http://127.0.0.1:{port}", process)
    try:
        _wait_until_up(provider)
        yield provider
    finally:
        process.kill()
        process.wait()


def _start(directory: Path, settings: Mapping[str, object]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        ["node", "provider.mjs"],
        cwd=directory,
        env={**os.environ, "SETTINGS": json.dumps(settings)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _wait_until_up(provider: RunningProvider) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert provider.process.poll() is None, "the OpenID provider has ended"
        assert time.monotonic() < deadline, "the OpenID provider does not answer"
        try:
            if httpx.get(f"{provider.issuer}/.well-known/openid-configuration").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)


def _installed() -> Path:
    """Install what the lock file names, once for all processes that test at the same time; return where."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.fail(MISSING) if os.environ.get("CI") else pytest.skip(MISSING)
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with (INSTALLED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if any(not _is_same(name) for name in FILES) or not (INSTALLED / "node_modules").is_dir():
            _install()
    return INSTALLED


def _is_same(name: str) -> bool:
    copy = INSTALLED / name
    return copy.exists() and copy.read_bytes() == (SOURCES / name).read_bytes()


def _install() -> None:
    for name in FILES[:-1]:
        shutil.copy(SOURCES / name, INSTALLED / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    # Last, because it is what tells that the rest is complete.
    shutil.copy(SOURCES / FILES[-1], INSTALLED / FILES[-1])
