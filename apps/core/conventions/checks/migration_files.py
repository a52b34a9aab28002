"""Finds the migration files of Keyhouse's own apps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from django.apps import AppConfig
from django.db.migrations.loader import MigrationLoader

from apps.core.conventions.own_apps import own_apps


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
