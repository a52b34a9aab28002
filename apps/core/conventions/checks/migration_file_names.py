"""keyhouse.E007: migrations are named yyyymmdd_HHmm_<feature>.py."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error

from apps.core.conventions.checks.migration_files import MigrationFile, migration_files
from apps.core.conventions.migration_names import MigrationName


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
