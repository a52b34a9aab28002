"""The checks of migrations: their names, imports and reversibility."""

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

from apps.core.conventions.migration_names import MigrationName
from apps.core.conventions.own_apps import own_apps

ALLOWED_IMPORTS = sys.stdlib_module_names | {"django"}


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """A migration file and its module. Messages name the module, which is the same on every machine."""

    path: Path
    module: str


def migration_files(app_configs: Sequence[AppConfig] | None) -> Iterator[MigrationFile]:
    """Yield every migration file of Keyhouse's own apps, limited to the selected apps if given."""
    for config in own_apps(app_configs):
        package, _ = MigrationLoader.migrations_module(config.label)
        # None: the settings disable this app's migrations.
        if package is not None:
            yield from files_of(package)


def files_of(package: str) -> Iterator[MigrationFile]:
    """Yield the migration files of a package in the order of their names; none if the package does not exist."""
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        for path in sorted(Path(folder).glob("*.py")):
            if path.stem != "__init__":
                yield MigrationFile(path, f"{package}.{path.stem}")


def check_migration_file_names(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Report each migration that is not named by time and feature."""
    return [error for file in migration_files(app_configs) for error in file_name_errors(file)]


def file_name_errors(file: MigrationFile) -> list[CheckMessage]:
    """Report a file name that is not a valid time, to the minute, and a lower-case feature."""
    if MigrationName.parse(file.path.stem):
        return []
    hint = "Create it by `manage.py makemigrations --name <feature>`, which writes the time in UTC."
    problem = f"The migration {file.path.name} is not named yyyymmdd_HHmm_<feature>.py."
    return [Error(problem, hint=hint, obj=file.module, id="keyhouse.E007")]


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
        if name.split(".")[0] not in ALLOWED_IMPORTS
    ]


def imported_modules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and name of every imported module, in functions too; relative names begin with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def check_reversible_migrations(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Report each irreversible operation: it must be possible to roll a release back."""
    return [error for file in migration_files(app_configs) for error in reversal_errors(file)]


def reversal_errors(file: MigrationFile) -> list[CheckMessage]:
    """Report the irreversible operations of one migration."""
    migration = import_module(file.module).Migration
    return [
        Error(
            f"{type(operation).__name__} is irreversible.",
            hint="Pass reverse_code to RunPython and reverse_sql to RunSQL, or their noop.",
            obj=file.module,
            id="keyhouse.E009",
        )
        for operation in database_operations(migration.operations)
        if not operation.reversible
    ]


def database_operations(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Yield the operations that change the database, including those inside SeparateDatabaseAndState."""
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from database_operations(operation.database_operations)
        else:
            yield operation
