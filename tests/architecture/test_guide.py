"""The code in `docs/adding-an-entity.md` is valid Python, and everything that it imports exists."""

import ast
import importlib
import re

import pytest

from tests.architecture.source import PROJECT

pytestmark = pytest.mark.unit

GUIDE = (PROJECT / "docs" / "adding-an-entity.md").read_text(encoding="utf-8")
FILE = re.compile(r"^```python\n# (\S+\.py)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES: dict[str, str] = dict(FILE.findall(GUIDE))
# The guide's own app does not exist.
EXAMPLE = "apps.projects"


def _imports(code: str) -> list[tuple[str, str]]:
    """Return the module and the name of everything that the code imports from Keyhouse."""
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)]
    pairs = [(node.module or "", alias.name) for node in nodes for alias in node.names]
    return [(module, name) for module, name in pairs if module.partition(".")[0] in {"apps", "tests"}]


def test_guide_has_a_file_for_each_layer():
    layers = {path.split("/")[2].removesuffix(".py") for path in FILES if path.startswith("apps/projects/")}
    expected = {"models", "schemas", "repositories", "services", "routers", "admin", "dependencies", "declaration"}
    assert expected <= layers


@pytest.mark.parametrize("path", FILES)
def test_imports_of_the_guide_exist(path: str):
    missing = [
        f"{module}.{name}"
        for module, name in _imports(FILES[path])
        if not module.startswith(EXAMPLE) and not hasattr(importlib.import_module(module), name)
    ]
    assert missing == []


@pytest.mark.parametrize("path", FILES)
def test_imports_of_the_example_are_in_the_guide(path: str):
    files = {file.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in FILES}
    own = [(module, name) for module, name in _imports(FILES[path]) if module.startswith(EXAMPLE)]
    assert [module for module, name in own if not {module, f"{module}.{name}"} & files] == []
