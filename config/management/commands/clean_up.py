"""`manage.py clean_up`."""

from typing import Any

from pydantic import RootModel

from apps.core.declarations.installed import clean_up_tasks
from apps.core.event_loop.sync_calls import call_service
from apps.core.management.service_command import ServiceCommand


class Deleted(RootModel[dict[str, int]]):
    """How many rows each task has deleted."""


class Command(ServiceCommand):
    """Runs every clean-up task at once, as servers do every hour. Safe at any time, and any number at once."""

    @property
    def help(self) -> str:  # type: ignore[override]  # what apps declare is known once Django is set up
        """Return what is deleted."""
        return f"Delete {'; '.join(task.deletes for task in clean_up_tasks())}."

    def run(self, options: dict[str, Any]) -> None:
        """Run the tasks, and show how many rows each has deleted."""
        self.show(Deleted({task.name: call_service(task.run) for task in clean_up_tasks()}), options)
