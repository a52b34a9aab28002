"""Quick runs of the benchmark, so that it is known to work when its figures are needed."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SIZE = "1,000 keys"
USED = f"{SIZE}, 10,000 usage rows"
AT_EACH_NUMBER = (
    ("verify a key", "Keyhouse", SIZE),
    ("verify a key, one limit, no scopes", "Keyhouse", SIZE),
    ("get user", "Keyhouse", SIZE),
    ("list keys", "Keyhouse", SIZE),
    ("login", "Keyhouse", SIZE),
    ("constant through Ninja", "Keyhouse", SIZE),
)
OF_THE_CROWD = (
    ("verify keys of one customer", "Keyhouse", SIZE, "1"),
    *(
        (name, "Keyhouse", size, "1")
        for size in ("100 keys", "2,000 keys", USED)
        for name in ("verify a key", "verify a key right after a checkpoint")
    ),
    ("verify a key beside logins", "Keyhouse", SIZE, "1"),
    ("verify a key", "Keyhouse", SIZE, "2"),
    ("verify a key, for minutes", "Keyhouse", SIZE, "1"),
)
TARGETS_ALONE = 12
TARGETS_BESIDE_GRANIAN = 3
RATE_AND_LATENCIES = slice(5, 8)
PROCESSOR_TIMES = (8, 9, 10)  # of server, databases and load generator
RATIOS_OF_A_COMPARISON = 4

BARE = {"granian": "bare server", "uvicorn": "bare uvicorn"}

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_quick_run_measures_and_rates_every_operation() -> None:
    lines = run("--quick")

    assert "- The FastAPI service: left out of this run" in lines
    rows = [words(line) for line in lines if re.match(r"\| (verify|get|list|login|constant) ", line)]
    references = [server for package, server in BARE.items() if find_spec(package)]
    wanted = [(*operation, "1", number) for operation in AT_EACH_NUMBER for number in ("1", "8")]
    wanted += [("constant", server, "", "1", number) for server in references for number in ("1", "8")]
    wanted += [(*operation, "8") for operation in OF_THE_CROWD]
    assert sorted(tuple(row[:5]) for row in rows) == sorted(wanted)
    assert all(figure(word) > 0 for row in rows for word in row[RATE_AND_LATENCIES])
    for column in PROCESSOR_TIMES:  # of so short an interval, one may see nothing
        assert sum(figure(row[column]) for row in rows) > 0
    judged = [words(line) for line in lines if re.match(r"\|.*\| at (least|most) [0-9]", line)]
    assert len(judged) == TARGETS_ALONE + (TARGETS_BESIDE_GRANIAN if "bare server" in references else 0)
    assert {row[-1] for row in judged} <= {"yes", "**no**"}


def test_chosen_cells_are_measured_alone() -> None:
    lines = run("--quick", "--only", "api", "--rounds", "2")

    rows = [words(line) for line in lines if re.match(r"\| (verify|get|list|login|constant through) ", line)]
    assert {row[0] for row in rows} == {"verify a key", "get user", "list keys", "constant through Ninja"}
    assert {tuple(row[2:4]) for row in rows} == {(SIZE, "1")}


@pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="needs the repository to compare with")
def test_comparison_measures_two_checkouts_in_turn() -> None:
    lines = run("--quick", "--compare", "HEAD")

    rows = [words(line) for line in lines if line.startswith(("| HEAD |", "| working tree |"))]
    assert [tuple(row[:2]) for row in rows] == [
        *(("HEAD", "1"), ("HEAD", "8")),
        *(("working tree", "1"), ("working tree", "8")),
    ]
    assert all(figure(word) > 0 for row in rows for word in row[2:5])
    ratios = [words(line) for line in lines if re.match(r"\| [18] \| (processor )?time", line)]
    assert len(ratios) == 2 * RATIOS_OF_A_COMPARISON
    assert all(figure(row[2]) > 0 for row in ratios if row[1] == "time, from rate")


def test_unknown_commit_is_named() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--compare", "no-such-commit"]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 1
    assert "no-such-commit" in ended.stderr
    assert "Traceback" not in ended.stderr


def run(*options: str) -> list[str]:
    """Return the lines of the report."""
    command = [sys.executable, "-m", "tests.benchmarks", *options]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=560, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def figure(word: str) -> float:
    return float(word.replace(",", "") or 0)


def words(line: str) -> list[str]:
    return [word.strip() for word in line.strip("|").split("|")]
