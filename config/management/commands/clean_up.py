"""`manage.py clean_up`."""

from typing import Any, ClassVar

from pydantic import RootModel

from apps.core.declarations import clean_up_tasks
from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand


class Deleted(RootModel[dict[str, int]]):
    """The number of rows that each task has deleted."""


class Command(ServiceCommand):
    """Runs every clean-up task now, as servers do every hour. Safe to run at any time, and concurrently."""

    examples: ClassVar = ["manage.py clean_up", "manage.py clean_up --json"]

    @property
    def help(self) -> str:  # type: ignore[override]  # apps' declarations can be read once Django is set up
        """Return the help, which lists what the tasks delete."""
        return f"Delete {'; '.join(task.deletes for task in clean_up_tasks())}. Servers do so every hour."

    def run(self, options: dict[str, Any]) -> None:
        """Run the tasks, and show the number of rows that each has deleted."""
        self.show(Deleted({task.name: call_service(task.run) for task in clean_up_tasks()}), options)
