"""keyhouse.E009: a migration can be undone."""

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db.migrations.operations import SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

from apps.core.conventions.checks.migration_files import MigrationFile, migration_files


def check_reversible_migrations(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Report each operation that cannot be undone: a release must be able to go back."""
    return [error for file in migration_files(app_configs) for error in reversal_errors(file)]


def reversal_errors(file: MigrationFile) -> list[CheckMessage]:
    """Report the operations of one migration that cannot be undone."""
    migration = import_module(file.module).Migration
    return [
        Error(
            f"{type(operation).__name__} cannot be undone.",
            hint="Give RunPython its reverse_code and RunSQL its reverse_sql; both have a noop.",
            obj=file.module,
            id="keyhouse.E009",
        )
        for operation in database_operations(migration.operations)
        if not operation.reversible
    ]


def database_operations(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Yield the operations that touch the database, looking into those that wrap others."""
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from database_operations(operation.database_operations)
        else:
            yield operation
