"""Names migrations `yyyymmdd_HHmm_<feature>`, in Django's own commands.

Django numbers migrations: two branches both write `0007_…`, and the name says neither when it was written nor, often,
what it does. A name that begins with the minute (UTC) sorts by age across branches. Within an app, timestamps strictly
increase: if a minute is taken, the next free minute is used.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self, cast, override

from django.db.migrations import Migration
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.graph import MigrationGraph

from apps.core.conventions.own_apps import is_own_app

PATTERN = re.compile(r"(\d{8}_\d{4})_([a-z0-9_]+)")
STAMP_FORMAT = "%Y%m%d_%H%M"
FEATURE_LENGTH_MAXIMUM = 100
ONE_MINUTE = timedelta(minutes=1)


class MigrationName(NamedTuple):
    """The time at which a migration was written, to the minute, and its feature."""

    written_at: datetime
    feature: str

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Parse a name. Returns None when it does not have the format, or its date does not exist."""
        match = PATTERN.fullmatch(name)
        if match is None:
            return None
        try:
            return cls(datetime.strptime(match[1], STAMP_FORMAT).replace(tzinfo=UTC), match[2])
        except ValueError:
            return None

    @classmethod
    def next_after(cls, earlier: Iterable[str], feature: str) -> Self:
        """Return the name of a migration written now, with a time after all `earlier` names of its app."""
        stamps = (parsed.written_at for parsed in map(cls.parse, earlier) if parsed)
        after = max(stamps, default=datetime.min.replace(tzinfo=UTC))
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        return cls(max(now, after + ONE_MINUTE), feature[:FEATURE_LENGTH_MAXIMUM])

    @override
    def __str__(self) -> str:
        return f"{self.written_at:{STAMP_FORMAT}}_{self.feature}"


class DatedMigrationAutodetector(MigrationAutodetector):
    """Django's autodetector with dated names for Keyhouse's own apps. Other apps keep their numbers."""

    @override
    def arrange_for_graph(
        self, changes: dict[str, list[Migration]], graph: MigrationGraph, migration_name: str | None = None
    ) -> dict[str, list[Migration]]:
        """Arrange the changes as Django does, then rename them, in the dependencies too."""
        arranged = super().arrange_for_graph(changes, graph, migration_name)
        renamed: dict[tuple[str, str], tuple[str, str]] = {}
        for label in filter(is_own_app, arranged):
            leaves = [name for _, name in graph.leaf_nodes(label)]
            renamed |= _rename(label, arranged[label], leaves, migration_name)
        for migration in (each for migrations in arranged.values() for each in migrations):
            # Each instance has its own list; the type stub declares a class attribute.
            dependencies = cast("list[tuple[str, str]]", migration.dependencies)
            dependencies[:] = [renamed.get(node, node) for node in dependencies]
        return arranged

    @override
    @classmethod
    def parse_number(cls, name: str) -> int | None:  # type: ignore[override]  # the stub omits None
        """Return the number at the start of a name. For dated names it is the time, so that later is larger."""
        parsed = MigrationName.parse(name)
        return int(f"{parsed.written_at:%Y%m%d%H%M}") if parsed else super().parse_number(name)


def _rename(
    label: str, migrations: list[Migration], leaves: list[str], requested: str | None
) -> dict[tuple[str, str], tuple[str, str]]:
    """Rename an app's new migrations, each to a later time than the one before; return the old and new keys."""
    renamed = {}
    earlier = list(leaves)
    for migration in migrations:
        feature = requested or (_suggested_feature(migration) if earlier else f"create_{label}")
        name = str(MigrationName.next_after(earlier, feature))
        renamed[label, migration.name] = (label, name)
        migration.name = name
        earlier.append(name)
    return renamed


def _suggested_feature(migration: Migration) -> str:
    """Return Django's name for the operations, also where Django would use `initial` or the time."""
    described = type("Migration", (Migration,), {"operations": migration.operations})
    suggestion = described("described", migration.app_label).suggest_name()
    return "changes" if suggestion.startswith("auto_") else suggestion
