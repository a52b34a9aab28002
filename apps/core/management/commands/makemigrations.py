"""`makemigrations` with files named `yyyymmdd_HHmm_<feature>.py` for Keyhouse's own apps."""

import re
from pathlib import Path
from typing import Any, override

from django.core.management.base import CommandError
from django.core.management.commands import makemigrations
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import InteractiveMigrationQuestioner, MigrationQuestioner

from apps.core.conventions.migration_names import FEATURE_LENGTH_MAXIMUM, DatedMigrationAutodetector, MigrationName
from apps.core.conventions.own_apps import is_own_app

SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]*")


class Command(makemigrations.Command):
    """Django's `makemigrations`, which names migrations by time and feature, with `--merge` and `--update` too."""

    autodetector = DatedMigrationAutodetector

    @override
    def handle(self, *app_labels: str, **options: Any) -> None:
        """Raise CommandError for a name that the naming check would reject, and for an empty migration without one."""
        name = options["name"]
        if name and not SNAKE_CASE.fullmatch(name):
            raise CommandError(f"--name must be in snake_case, not {name}.")
        if options["empty"] and not name and any(map(is_own_app, app_labels)):
            raise CommandError("--empty needs --name <feature>, which says what the migration does.")
        super().handle(*app_labels, **options)

    @override
    def write_migration_files(
        self,
        changes: dict[str, list[Migration]],
        update_previous_migration_paths: dict[str, str] | None = None,
    ) -> None:
        """Write the files. A file that replaces the last one (`--update`) keeps its feature and gets a new time."""
        for label, previous in (update_previous_migration_paths or {}).items():
            if is_own_app(label):
                changes[label][0].name = self._updated_name(Path(previous).stem)
        super().write_migration_files(changes, update_previous_migration_paths)

    def _updated_name(self, previous: str) -> str:
        """Return a new name for the rewritten migration: Django deletes the file with the old name after writing."""
        parsed = MigrationName.parse(previous)
        feature = self.migration_name or (parsed.feature if parsed else "updated")
        return str(MigrationName.next_after([previous], feature))

    @override
    def handle_merge(self, loader: MigrationLoader, conflicts: dict[str, set[str]]) -> None:
        """Write a merge migration for each app with several leaves. Django's own method numbers it."""
        ours = {label: sorted(leaves) for label, leaves in conflicts.items() if is_own_app(label)}
        theirs = {label: leaves for label, leaves in conflicts.items() if label not in ours}
        if theirs:
            super().handle_merge(loader, theirs)
        for label, leaves in ours.items():
            self._show_branches(loader, label, leaves)
            if self._questioner().ask_merge(label):
                self.write_migration_files({label: [self._merge_of(label, leaves)]})

    def _questioner(self) -> MigrationQuestioner:
        if self.interactive:
            return InteractiveMigrationQuestioner(prompt_output=self.log_output)
        return MigrationQuestioner(defaults={"ask_merge": True})

    def _show_branches(self, loader: MigrationLoader, label: str, leaves: list[str]) -> None:
        """Print the operations of each branch since their common ancestor, to check them for conflicts."""
        plans = [loader.graph.forwards_plan((label, leaf)) for leaf in leaves]
        shared = set.intersection(*map(set, plans))
        if not any(node[0] == label for node in shared):
            raise CommandError(f"{', '.join(leaves)} of {label} have no common ancestor and cannot be merged.")
        for leaf, plan in zip(leaves, plans, strict=True):
            self.log(self.style.MIGRATE_LABEL(f"  Branch {leaf}"))
            for node in plan:
                if node[0] == label and node not in shared:
                    self._show_operations(loader.graph.nodes[node])

    def _show_operations(self, migration: Migration) -> None:
        for operation in migration.operations:
            self.log(f"    {operation.formatted_description()}")

    def _merge_of(self, label: str, leaves: list[str]) -> Migration:
        """Return an empty migration that depends on every leaf. Its name lists their features if that is short."""
        features = "_and_".join(parsed.feature for parsed in map(MigrationName.parse, leaves) if parsed)
        short = features if 0 < len(features) <= FEATURE_LENGTH_MAXIMUM // 2 else "branches"
        name = MigrationName.next_after(leaves, self.migration_name or f"merge_{short}")
        merge: type[Migration] = type("Migration", (Migration,), {"dependencies": [(label, leaf) for leaf in leaves]})
        return merge(str(name), label)
