"""What is done beside the requests."""

from collections.abc import Sequence

from apps.core.background.background_job import BackgroundJob
from apps.core.background.clean_up_round import CleanUpRound
from apps.core.declarations.installed import app_declarations, clean_up_tasks

CLEAN_UP_SECONDS = 3600


def background_jobs() -> Sequence[BackgroundJob]:
    """Return the jobs that every worker runs while it serves: those that apps declare, and clean-up."""
    declared = [job for declaration in app_declarations().values() for job in declaration.background_jobs()]
    tasks = {task.name: task.run for task in clean_up_tasks()}
    return [*declared, BackgroundJob("clean-up", CleanUpRound(tasks).run, interval_seconds=CLEAN_UP_SECONDS)]
