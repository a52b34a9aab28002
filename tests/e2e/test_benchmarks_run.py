"""The benchmark keeps working, or it would be found broken on the day its figures are wanted."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
OPERATIONS = ("verify a key", "login", "list keys", "constant through Ninja", "constant, bare server")


@pytest.mark.e2e
def test_a_quick_run_measures_every_operation() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--quick"]

    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=100, check=False)

    assert ended.returncode == 0, ended.stderr
    for operation in OPERATIONS:
        rows = re.findall(rf"^\| {operation} \|.*\|$", ended.stdout, re.MULTILINE)
        assert [row.split("|")[3].strip() for row in rows] == ["1", "8"]
