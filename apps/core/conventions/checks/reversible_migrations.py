"""keyhouse.E009: migrations are reversible."""

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db.migrations.operations import SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

from apps.core.conventions.checks.migration_files import MigrationFile, migration_files


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
