"""keyhouse.E008: migrations import only Django and the standard library.

The project's own code changes over time, and a migration must keep doing what it did when it was written.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error

from apps.core.conventions.checks.migration_files import MigrationFile, migration_files

ALLOWED = sys.stdlib_module_names | {"django"}


def check_migration_imports(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Report each import in a migration that is neither Django nor the standard library."""
    return [error for file in migration_files(app_configs) for error in import_errors(file)]


def import_errors(file: MigrationFile) -> list[CheckMessage]:
    """Report the imports of one migration that are neither Django nor the standard library."""
    return [
        Error(
            f"Line {line} imports {name}, and changes to that module would change this migration.",
            hint="Call apps.get_model('label', 'Model') inside RunPython, and copy constants into the migration.",
            obj=file.module,
            id="keyhouse.E008",
        )
        for line, name in imported_modules(ast.parse(file.path.read_text(encoding="utf-8")))
        if name.split(".")[0] not in ALLOWED
    ]


def imported_modules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and name of every imported module, in functions too; relative names begin with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")
