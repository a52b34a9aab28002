"""keyhouse.E008: a migration imports Django and the standard library, nothing of ours.

Models, and everything near them, go on changing; a migration must do next year what it does today.
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
    """Report each import in a migration of anything but Django and the standard library."""
    return [error for file in migration_files(app_configs) for error in import_errors(file)]


def import_errors(file: MigrationFile) -> list[CheckMessage]:
    """Report the imports of one migration that tie it to code that changes."""
    return [
        Error(
            f"Line {line} imports {name}, which will change under this migration.",
            hint="Use apps.get_model('label', 'Model') inside RunPython, and copy constants into the file.",
            obj=file.module,
            id="keyhouse.E008",
        )
        for line, name in imported_modules(ast.parse(file.path.read_text(encoding="utf-8")))
        if name.split(".")[0] not in ALLOWED
    ]


def imported_modules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and name of every module imported, anywhere in it; a relative one begins with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")
