"""`squashmigrations`, writing `<stamp of the first>_squashed_<feature of the last>.py` for house apps."""

from typing import Any, override

from django.core.management.commands import squashmigrations
from django.db.migrations.loader import MigrationLoader

from apps.core.conventions.migration_names import STAMP_FORMAT, MigrationName
from apps.core.conventions.own_apps import is_own_app


class Command(squashmigrations.Command):
    """Django's `squashmigrations`; the squashed migration sorts where the first it replaces did."""

    @override
    def handle(self, **options: Any) -> None:
        """Choose the name, then squash as Django does."""
        if is_own_app(options["app_label"]):
            options |= self._house_name(options)
        super().handle(**options)

    def _house_name(self, options: dict[str, Any]) -> dict[str, str]:
        """Return the options that make Django write a house name.

        Django joins what stands before the first `_` of the start migration, here its date, and the name
        asked for: that name therefore begins with the time. Without a start, Django writes `0001_`.
        """
        label = options["app_label"]
        loader = MigrationLoader(None)
        last = self.find_migration(loader, label, options["migration_name"]).name
        start = self._start_of(loader, label, last, options["start_migration_name"])
        first_name, last_name = MigrationName.parse(start), MigrationName.parse(last)
        if first_name is None or last_name is None:
            return {}
        time = f"{first_name.written_at:{STAMP_FORMAT}}".split("_")[1]
        feature = options["squashed_name"] or f"squashed_{last_name.feature}"
        return {"start_migration_name": start, "squashed_name": f"{time}_{feature}"}

    def _start_of(self, loader: MigrationLoader, label: str, last: str, requested: str | None) -> str:
        """Return the full name of the migration asked to start from, or of the app's first."""
        if requested:
            return str(self.find_migration(loader, label, requested).name)
        return next(str(name) for app, name in loader.graph.forwards_plan((label, last)) if app == label)
