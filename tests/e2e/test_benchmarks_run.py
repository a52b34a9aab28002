"""A quick run of the benchmark, so that it is known to work when its figures are needed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SIZE = "1,000 keys"
AT_EACH_NUMBER = (
    ("verify a key", "Keyhouse", SIZE),
    ("get user", "Keyhouse", SIZE),
    ("list keys", "Keyhouse", SIZE),
    ("login", "Keyhouse", SIZE),
    ("constant through Ninja", "Keyhouse", SIZE),
    ("constant", "bare server", ""),
)
OF_THE_CROWD = (
    ("verify keys of one customer", "Keyhouse", SIZE),
    ("verify a key", "Keyhouse", "100 keys"),
    ("verify a key", "Keyhouse", "2,000 keys"),
    ("verify a key", "Keyhouse", f"{SIZE}, 10,000 usage rows"),
    ("verify a key beside logins", "Keyhouse", SIZE),
)
TARGETS_WITHOUT_THE_OTHER_SERVICE = 8


@pytest.mark.e2e
def test_quick_run_measures_and_rates_every_operation() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--quick"]

    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=110, check=False)

    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert "- The FastAPI service: left out of this run" in lines
    rows = [_words(line) for line in lines if re.match(r"\| (verify|get|list|login|constant) ", line)]
    wanted = [(*operation, number) for number in ("1", "8") for operation in AT_EACH_NUMBER]
    assert [tuple(row[:4]) for row in rows] == wanted + [(*operation, "8") for operation in OF_THE_CROWD]
    assert all(float(figure.replace(",", "")) > 0 for row in rows for figure in row[4:7])
    judged = [_words(line) for line in lines if re.match(r"\|.*\| at (least|most) ", line)]
    assert len(judged) == TARGETS_WITHOUT_THE_OTHER_SERVICE
    assert {row[-1] for row in judged} <= {"yes", "**no**"}


def _words(line: str) -> list[str]:
    return [word.strip() for word in line.strip("|").split("|")]
