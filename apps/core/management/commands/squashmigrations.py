"""`squashmigrations`, writing `<stamp of the first>_squashed_<feature of the last>.py` for Keyhouse's own apps."""

from typing import Any, ClassVar, override

from django.core.management.commands import squashmigrations
from django.db.migrations.loader import MigrationLoader

from apps.core.conventions.migration_names import STAMP_FORMAT, MigrationName
from apps.core.conventions.own_apps import is_own_app
from apps.core.management.service_command import DocumentedCommand


class Command(DocumentedCommand, squashmigrations.Command):
    """Django's `squashmigrations`; the squashed migration sorts at the place of the first that it replaces."""

    examples: ClassVar = ["manage.py squashmigrations users 20261125_1900_create_invitations"]

    @override
    def handle(self, **options: Any) -> None:
        """Choose the name, then squash as Django does."""
        if is_own_app(options["app_label"]):
            options |= self._own_name(options)
        super().handle(**options)

    def _own_name(self, options: dict[str, Any]) -> dict[str, str]:
        """Return the options that make Django write the name of an own app.

        Django joins the part of the start migration before its first `_`, here its date, and the requested name: that
        name therefore begins with the time. Without a start, Django writes `0001_`.
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
        """Return the full name of the requested start, or of the app's first migration."""
        if requested:
            return str(self.find_migration(loader, label, requested).name)
        return next(str(name) for app, name in loader.graph.forwards_plan((label, last)) if app == label)
