"""Installs and runs JavaScript programs that test Keyhouse."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.server import PROJECT

KEPT = PROJECT / ".keyhouse" / "node"
MISSING = "the tests with clients in JavaScript need Node.js 20 or later and npm on PATH"
INSTALL_SECONDS = 300


def installed(source: Path) -> Path:
    """Return a folder with the programs in `source` and the packages of its lock file.

    The folder is reused by later runs until `source` changes. Without npm, the test is skipped; in CI it fails.
    """
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.fail(MISSING) if os.environ.get("CI") else pytest.skip(MISSING)
    folder = KEPT / f"{source.name}-{_digest(source)}"
    if not folder.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as scratch:
            _install(source, Path(scratch) / "whole", folder)
    return folder


def run(program: Path, question: str, seconds: float = 60) -> str:
    """Run the program with `question` on stdin, and return its stdout."""
    command = ["node", str(program)]
    done = subprocess.run(command, input=question, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _install(source: Path, scratch: Path, folder: Path) -> None:
    shutil.copytree(source, scratch)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode:
        pytest.fail(f"npm ci failed: {done.stderr}")
    try:
        scratch.rename(folder)
    except OSError:  # another run was faster; its result is the same
        assert folder.exists()


def _digest(source: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(source.iterdir()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
