"""What is deployed: the image holds the program alone, and every package is the one that was tested."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.architecture.source import PROJECT

pytestmark = pytest.mark.unit

DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (PROJECT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
LOCKS = sorted((PROJECT / "requirements").glob("*.txt"))
PINNED = re.compile(r"[\w.\[\]-]+==\S+( ; .+)?( --hash=sha256:[0-9a-f]{64})+")


def _lines(name: str) -> list[str]:
    """Return the lines of a file, joined where they continue, without comments."""
    text = (PROJECT / name).read_text(encoding="utf-8")
    joined = re.sub(r" *\\\n *", " ", text)
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def test_only_the_program_can_be_copied_into_the_image():
    allowed = ["*", "!manage.py", "!apps", "!config", "!requirements/production.txt", "**/__pycache__", "**/*.pyc"]
    assert _lines(".dockerignore") == allowed
    copied = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)
    assert copied == ["requirements/production.txt", "manage.py", "config", "apps"]


def test_image_runs_without_rights_and_in_production_mode():
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]
    assert re.search(r"^ENV ENVIRONMENT=production", DOCKERFILE, re.MULTILINE)
    assert "cap_drop: [ALL]" in COMPOSE
    assert "no-new-privileges:true" in COMPOSE


def test_image_and_compose_file_have_no_default_secret():
    for name in ("POSTGRES_PASSWORD", "SECRET_KEY"):
        assert re.search(rf"{name}: \$\{{{name}:\?", COMPOSE), f"{name} has a default"
    assert re.findall(r"^(?:ENV|ARG) .*(?:KEY|PASSWORD|SECRET)", DOCKERFILE, re.MULTILINE) == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_is_pinned_to_its_hashes(lock: Path):
    packages = _lines(f"requirements/{lock.name}")
    assert len(packages) > 20
    assert [line.split(" ")[0] for line in packages if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_direct_dependency_is_locked(lock: Path):
    locked = {line.split("==")[0].partition("[")[0].lower() for line in _lines(f"requirements/{lock.name}")}
    direct = [line for line in _lines(f"requirements/{lock.stem}.in") if not line.startswith("-r")]
    assert {Requirement(line.partition(" #")[0]).name.lower() for line in direct} - locked == set()


def test_packages_are_installed_by_their_hashes_from_one_registry():
    bootstrap = (PROJECT / "deploy" / "bootstrap.sh").read_text(encoding="utf-8")
    assert "--require-hashes" in DOCKERFILE
    assert "--require-hashes" in bootstrap
    sources = [*(PROJECT / "requirements").iterdir(), PROJECT / "Dockerfile", PROJECT / "deploy" / "bootstrap.sh"]
    options = r"--(extra-)?index-url|--find-links|--trusted-host|git\+|@ https?://"
    assert [path.name for path in sources if re.search(options, path.read_text(encoding="utf-8"))] == []
