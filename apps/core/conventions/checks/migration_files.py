"""Where the migrations of Keyhouse's own apps are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from django.apps import AppConfig
from django.db.migrations.loader import MigrationLoader

from apps.core.conventions.own_apps import own_apps


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """One file, and its module: that is what people are shown, for it is the same on every machine."""

    path: Path
    module: str


def migration_files(app_configs: Sequence[AppConfig] | None) -> Iterator[MigrationFile]:
    """Yield every migration file of Keyhouse's own apps among the selected ones, or among all."""
    for config in own_apps(app_configs):
        package, _ = MigrationLoader.migrations_module(config.label)
        # None: the settings switched this app's migrations off.
        if package is not None:
            yield from files_of(package)


def files_of(package: str) -> Iterator[MigrationFile]:
    """Yield the migration files of a package, in the order of their names; none when there is no package."""
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        for path in sorted(Path(folder).glob("*.py")):
            if path.stem != "__init__":
                yield MigrationFile(path, f"{package}.{path.stem}")
