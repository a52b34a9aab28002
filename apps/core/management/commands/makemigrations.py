"""`makemigrations`, writing `yyyymmdd_HHmm_<feature>.py` for Keyhouse's own apps, formatted as `make check` demands."""

import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, override

from django.core.management.base import CommandError
from django.core.management.commands import makemigrations
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import InteractiveMigrationQuestioner, MigrationQuestioner

from apps.core.conventions.migration_names import FEATURE_LENGTH_MAXIMUM, DatedMigrationAutodetector, MigrationName
from apps.core.conventions.own_apps import is_own_app
from apps.core.management.service_command import DocumentedCommand

SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]*")


class Command(DocumentedCommand, makemigrations.Command):
    """Django's `makemigrations`, which names files after time and feature, also with `--merge` and `--update`."""

    autodetector = DatedMigrationAutodetector
    examples: ClassVar = [
        "manage.py makemigrations credits --name add_grants",
        "manage.py makemigrations credits --empty --name backfill_grants",
        "manage.py makemigrations --check --dry-run",
    ]

    @override
    def handle(self, *app_labels: str, **options: Any) -> None:
        """Refuse a name that the naming check would refuse later, and an empty migration without a name."""
        name = options["name"]
        if name and not SNAKE_CASE.fullmatch(name):
            raise CommandError(f"--name {name} is not in snake_case.")
        if options["empty"] and not name and any(map(is_own_app, app_labels)):
            raise CommandError("--empty needs --name <feature>.")
        super().handle(*app_labels, **options)

    @override
    def write_migration_files(
        self,
        changes: dict[str, list[Migration]],
        update_previous_migration_paths: dict[str, str] | None = None,
    ) -> None:
        """Write and format the files; one that replaces the last (`--update`) keeps its feature, with a new stamp."""
        for label, previous in (update_previous_migration_paths or {}).items():
            if is_own_app(label):
                changes[label][0].name = self._updated_name(Path(previous).stem)
        super().write_migration_files(changes, update_previous_migration_paths)
        format_with_ruff(self.written_files)  # type: ignore[attr-defined]  # the stubs leave it out

    def _updated_name(self, previous: str) -> str:
        """Return the name of the rewritten migration, never the old one: Django removes that file after writing."""
        parsed = MigrationName.parse(previous)
        feature = self.migration_name or (parsed.feature if parsed else "updated")
        return str(MigrationName.next_after([previous], feature))

    @override
    def handle_merge(self, loader: MigrationLoader, conflicts: dict[str, set[str]]) -> None:
        """Write a merge for each app with several leaves. Django's own would put a number into the name."""
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
        """Print the operations of each branch, in which the user looks for conflicts."""
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


def format_with_ruff(files: Sequence[str]) -> None:
    """Format generated files, and sort their imports, where ruff is installed."""
    if not files or find_spec("ruff") is None:
        return
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([*ruff, *command, *files], check=False)  # noqa: S603  # fixed programs, files of our own
