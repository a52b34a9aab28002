"""The project's own source files, for the architecture tests."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

PROJECT = Path(__file__).parents[2]
PROGRAM = ("apps", "config", "manage.py")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file: its path in the project, and its text."""

    path: PurePosixPath
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree, parsed once for all rules."""
        return ast.parse(self.text, str(self.path))

    @property
    def app(self) -> str | None:
        """The app the file belongs to, if any."""
        parts = self.path.parts
        return parts[1] if parts[0] == "apps" and len(parts) > 2 else None

    @property
    def layer(self) -> str | None:
        """The app's sub-package or module the file belongs to: models, services, dependencies …"""
        return PurePosixPath(self.path.parts[2]).stem if self.app else None

    def nodes[Node: ast.AST](self, kind: type[Node]) -> Iterator[Node]:
        """Yield every node of this kind, wherever in the file."""
        return (node for node in ast.walk(self.tree) if isinstance(node, kind))

    def functions(self) -> Iterator[Function]:
        """Yield every function and method."""
        yield from self.nodes(ast.FunctionDef)
        yield from self.nodes(ast.AsyncFunctionDef)

    def imports(self) -> Iterator[tuple[int, str]]:
        """Yield the line and full dotted name of everything imported."""
        for plain in self.nodes(ast.Import):
            yield from ((plain.lineno, alias.name) for alias in plain.names)
        for source in self.nodes(ast.ImportFrom):
            yield from ((source.lineno, f"{source.module or ''}.{alias.name}") for alias in source.names)


def read_sources(*roots: str) -> list[Source]:
    """Read every Python file under these folders of the project."""
    return [
        Source(PurePosixPath(path.relative_to(PROJECT).as_posix()), path.read_text(encoding="utf-8"))
        for root in roots
        for path in sorted((PROJECT / root).rglob("*.py") if (PROJECT / root).is_dir() else [PROJECT / root])
    ]


def length_of(function: Function) -> int:
    """Return the number of a function's lines, without decorators and docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is None:
        return lines
    return lines - ((first.end_lineno or first.lineno) - first.lineno + 1)
