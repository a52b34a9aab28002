"""The documents' links lead somewhere, and the files that they name exist."""

import re
from pathlib import Path

import pytest

from tests.architecture.source import PROJECT

pytestmark = pytest.mark.unit

DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
# Decisions are records of their time: files that they name may be gone.
PRESENT = [document for document in DOCUMENTS if document.parent.name != "decisions"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`((?:apps|config|deploy|docs|requirements|tests)/[\w./-]*)`")
# What a guide tells its reader to create.
EXAMPLES = ("apps/projects/", "tests/unit/projects/", "tests/integration/projects/")


def _text(document: Path) -> str:
    return FENCE.sub("", document.read_text(encoding="utf-8"))


def _anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings."""
    headings = re.findall(r"^#+ (.+)$", _text(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _is_broken(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    return not target.exists() or bool(anchor and anchor not in _anchors(target))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document: Path):
    links = [link for link in LINK.findall(_text(document)) if "://" not in link]
    assert [link for link in links if _is_broken(document, link)] == []


@pytest.mark.parametrize("document", PRESENT, ids=lambda document: document.name)
def test_named_files_exist(document: Path):
    named = [name for name in NAMED.findall(_text(document)) if not name.startswith(EXAMPLES)]
    assert [name for name in named if not (PROJECT / name).exists()] == []


def test_architecture_links_every_page():
    architecture = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (PROJECT / "docs").glob("*.md")} - {"architecture.md"}
    linked = {Path(link.partition("#")[0]).name for link in LINK.findall(architecture + readme)}
    assert pages - linked == set()
