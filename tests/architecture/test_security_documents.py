"""`docs/security.md` answers every point of the four chapters once, and names only tests that exist."""

import ast
import json
import re
from collections import Counter
from functools import cache
from itertools import chain
from typing import NamedTuple

import pytest

from tests.architecture.source import PROJECT

pytestmark = pytest.mark.unit

DOCUMENT = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
# How many points each section of OWASP ASVS 5.0.0 has.
POINTS = {
    "6.1": 3, "6.2": 12, "6.3": 8, "6.4": 6, "6.5": 8, "6.6": 4, "6.7": 2, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2,
    "9.1": 3, "9.2": 4,
    "10.1": 2, "10.2": 3, "10.3": 5, "10.4": 16, "10.5": 5, "10.6": 2, "10.7": 3,
}  # fmt: skip
LEVELS = {"6": (13, 22, 12), "7": (6, 12, 1), "9": (4, 3, 0), "10": (5, 24, 7)}  # of each chapter, by level
ANSWERS = ("met", "not applicable", "not met")
ATTACKS = (
    "algorithm confusion", "key injection", "tampered", "truncated", "replayed", "open redirects", "csrf",
    "session fixation", "by text", "by time", "mass assignment", "look-alike", "differently cased", "10 mb",
    "header injection", "totp", "passkey", "host header",
)  # fmt: skip
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


class Point(NamedTuple):
    """A row of a table: the requirement, and the answer."""

    number: str
    level: int
    demand: str
    answer: str
    how: str


def _points() -> list[Point]:
    found = re.findall(r"^\| (\d+\.\d+\.\d+) \| L([123]) \| (.+?) \| (.+?) \| (.+) \|$", DOCUMENT, re.MULTILINE)
    return [Point(number, int(level), *texts) for number, level, *texts in found]


def _attacks() -> list[str]:
    _, _, rest = DOCUMENT.partition("\n## Attacks\n")
    table, _, _ = rest.partition("\n## ")
    return [row for row in table.splitlines() if row.startswith("| ")][1:]


@cache
def _functions_of(path: str) -> frozenset[str]:
    file = PROJECT / path
    if not file.is_file():
        return frozenset()
    nodes = ast.parse(file.read_text(encoding="utf-8")).body
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_requirement_is_answered_once():
    demanded = [f"{section}.{number}" for section, points in POINTS.items() for number in range(1, points + 1)]
    assert len(demanded) == 109
    assert [point.number for point in _points()] == demanded


def test_levels_are_those_of_the_standard():
    levels = Counter((point.number.partition(".")[0], point.level) for point in _points())
    assert {chapter: tuple(levels[chapter, level] for level in (1, 2, 3)) for chapter in LEVELS} == LEVELS


def test_met_requirements_name_a_test_and_others_a_reason():
    for point in _points():
        assert point.answer in ANSWERS, point
        if point.answer == "met":
            assert TEST.search(point.how), f"{point.number} is met, and by which test?"
        else:
            assert len(TEST.sub("", point.how)) > 10, f"{point.number} is not explained"


def test_summary_matches_the_tables():
    answers = Counter((point.number.partition(".")[0], point.answer) for point in _points())
    for chapter in LEVELS:
        totals = re.search(rf"^\| V{chapter} \| (\d+) \| (\d+) \| (\d+) \|$", DOCUMENT, re.MULTILINE)
        assert totals, f"V{chapter} is not summed up"
        assert tuple(map(int, totals.groups())) == tuple(answers[chapter, answer] for answer in ANSWERS), chapter


def test_named_tests_exist():
    named = TEST.findall(DOCUMENT)
    assert len(named) > 100
    assert [f"{path}::{name}" for path, name in named if name not in _functions_of(path)] == []
    assert DOCUMENT.count("::test_") == len(named), "a test is named in another form"


def test_every_attack_names_a_test():
    rows = _attacks()
    assert [row for row in rows if not TEST.search(row)] == []
    words = " ".join(row.split(" | ")[0].lower() for row in rows)
    assert [attack for attack in ATTACKS if attack not in words] == []


def test_operations_that_issue_tokens_are_documented():
    document = json.loads((PROJECT / "tests/integration/config/openapi.json").read_text(encoding="utf-8"))
    operations = chain.from_iterable(
        ((f"{method.upper()} {path.removeprefix('/api/v1')}", operation) for method, operation in operations.items())
        for path, operations in document["paths"].items()
    )
    tokens = [name for name, operation in operations if re.search(r"schemas/Token(Pair|Out)\"", json.dumps(operation))]
    assert len(tokens) >= 7
    assert [name for name in tokens if f"`{name}`" not in DOCUMENT] == []
