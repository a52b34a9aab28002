"""`docs/asvs.md` answers every requirement, `docs/security.md` lists what there is, and both name existing tests."""

import ast
import json
import re
from collections import Counter
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.architecture.source import PROGRAM, PROJECT, read_sources

pytestmark = pytest.mark.unit

ANSWERED = (PROJECT / "docs" / "asvs.md").read_text(encoding="utf-8")
DOCUMENT = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
SOURCES = [source for source in read_sources(*PROGRAM) if source.layer != "migrations"]
# How many points each section of OWASP ASVS 5.0.0 has.
POINTS = {
    "1.1": 2, "1.2": 10, "1.3": 12, "1.4": 3, "1.5": 3,
    "2.1": 3, "2.2": 3, "2.3": 5, "2.4": 2,
    "3.1": 1, "3.2": 3, "3.3": 5, "3.4": 8, "3.5": 8, "3.6": 1, "3.7": 5,
    "4.1": 5, "4.2": 5, "4.3": 2, "4.4": 4,
    "5.1": 1, "5.2": 6, "5.3": 3, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 8, "6.4": 6, "6.5": 8, "6.6": 4, "6.7": 2, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2,
    "8.1": 4, "8.2": 4, "8.3": 3, "8.4": 2,
    "9.1": 3, "9.2": 4,
    "10.1": 2, "10.2": 3, "10.3": 5, "10.4": 16, "10.5": 5, "10.6": 2, "10.7": 3,
    "11.1": 4, "11.2": 5, "11.3": 5, "11.4": 4, "11.5": 2, "11.6": 2, "11.7": 2,
    "12.1": 5, "12.2": 2, "12.3": 5,
    "13.1": 4, "13.2": 6, "13.3": 4, "13.4": 7,
    "14.1": 2, "14.2": 8, "14.3": 3,
    "15.1": 5, "15.2": 5, "15.3": 7, "15.4": 4,
    "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 4,
    "17.1": 2, "17.2": 8, "17.3": 2,
}  # fmt: skip
LEVELS = {
    "1": (8, 19, 3), "2": (4, 7, 2), "3": (8, 11, 12), "4": (2, 8, 6), "5": (4, 5, 4), "6": (13, 22, 12),
    "7": (6, 12, 1), "8": (4, 3, 6), "9": (4, 3, 0), "10": (5, 24, 7), "11": (3, 11, 10), "12": (3, 6, 3),
    "13": (1, 12, 8), "14": (2, 7, 4), "15": (3, 10, 8), "16": (0, 16, 1), "17": (0, 7, 5),
}  # of each chapter, by level  # fmt: skip
ANSWERS = ("met", "not applicable", "not met")
ATTACKS = (
    "algorithm confusion", "key injection", "tampered", "truncated", "replayed", "open redirects", "csrf",
    "session fixation", "by text", "by time", "mass assignment", "look-alike", "differently cased", "10 mb",
    "header injection", "totp", "passkey", "host header",
)  # fmt: skip
# The libraries of cryptography, and those that start programs or run foreign code.
CRYPTOGRAPHY = {
    "Crypto", "argon2", "authlib.jose", "cryptography", "django.contrib.auth.hashers", "django.core.signing",
    "django.utils.crypto", "hashlib", "hmac", "joserfc", "jwt", "pyotp", "random", "secrets", "ssl", "webauthn",
}  # fmt: skip
PROGRAMS = {"ctypes", "os.system", "pty", "subprocess"}
EVALUATION = {"code", "codeop", "dill", "jsonpickle", "marshal", "pickle", "shelve", "yaml"}
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


class Point(NamedTuple):
    """A row of a table: the requirement, and the answer."""

    number: str
    level: int
    demand: str
    answer: str
    how: str


def _points() -> list[Point]:
    found = re.findall(r"^\| (\d+\.\d+\.\d+) \| L([123]) \| (.+?) \| (.+?) \| (.+) \|$", ANSWERED, re.MULTILINE)
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
    assert len(demanded) == 345
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
        totals = re.search(rf"^\| V{chapter} \| (\d+) \| (\d+) \| (\d+) \|$", ANSWERED, re.MULTILINE)
        assert totals, f"V{chapter} is not summed up"
        assert tuple(map(int, totals.groups())) == tuple(answers[chapter, answer] for answer in ANSWERS), chapter


@pytest.mark.parametrize("document", [ANSWERED, DOCUMENT], ids=["asvs", "security"])
def test_named_tests_exist(document: str):
    named = TEST.findall(document)
    assert len(named) > 100
    assert [f"{path}::{name}" for path, name in named if name not in _functions_of(path)] == []
    assert document.count("::test_") == len(named), "a test is named in another form"


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


def _importing(libraries: set[str]) -> list[str]:
    """Return the program's modules that import one of the libraries."""
    return [
        str(source.path)
        for source in SOURCES
        if any(f"{name}.".startswith(f"{library}.") for _, name in source.imports() for library in libraries)
    ]


@pytest.mark.parametrize(
    ("libraries", "heading"), [(CRYPTOGRAPHY, "Cryptography"), (PROGRAMS, "Dangerous functionality")]
)
def test_cryptography_and_programs_are_documented(libraries: set[str], heading: str):
    section = DOCUMENT.partition(f"\n### {heading}\n")[2].partition("\n##")[0]
    documented = set(re.findall(r"`((?:apps|config)/[\w/]+\.py)`", section))
    importing = set(_importing(libraries))
    assert importing
    assert importing - documented == set(), "not documented"
    if libraries is CRYPTOGRAPHY:
        assert documented - importing == set(), "documented, and gone"


def test_nothing_is_evaluated_or_unpickled():
    called = {
        (str(source.path), call.func.id)
        for source in SOURCES
        for call in source.nodes(ast.Call)
        if isinstance(call.func, ast.Name) and call.func.id in {"eval", "exec", "compile", "__import__"}
    }
    assert called == set()
    assert _importing(EVALUATION) == []


def test_scripts_insert_no_markup():
    # Alpine is vendored; the only way in which it inserts markup is `x-html`.
    scripts = [path for path in _files_of("static/**/*.js") if path.name != "alpine.js"]
    assert len(scripts) >= 6
    dangerous = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|postMessage|Storage\b"
    by_name = r"\w\[\w+\] = "  # a property whose name comes from data: prototype pollution
    found = {path.name: re.findall(f"{dangerous}|{by_name}", _script(path)) for path in scripts}
    assert {name: places for name, places in found.items() if places} == {}
    assert [
        path.name for path in _files_of("templates/**/*.html") if "x-html" in path.read_text(encoding="utf-8")
    ] == []


def _files_of(pattern: str) -> list[Path]:
    return [path for folder in ("apps", "config") for path in (PROJECT / folder).glob(f"**/{pattern}")]


def _script(path: Path) -> str:
    """Return the script without its reads and writes of the chosen colours, all that a browser stores."""
    return re.sub(r"localStorage\.[gs]etItem\(\"theme\"", "", path.read_text(encoding="utf-8"))
