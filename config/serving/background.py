"""What is done beside the requests."""

from collections.abc import Sequence

from django.conf import settings

from apps.core.background.background_job import BackgroundJob
from apps.core.background.clean_up_tasks import CleanUpTasks
from apps.mail.dependencies import mail_delivery
from config.serving.clean_ups import clean_ups

CLEAN_UP_SECONDS = 3600


def background_jobs() -> Sequence[BackgroundJob]:
    """Return the jobs that every worker does while it serves. Without a mail server, letters wait in their table."""
    clean_up = BackgroundJob("clean-up", CleanUpTasks(clean_ups()).run, interval_seconds=CLEAN_UP_SECONDS)
    if not settings.MAILERS:
        return [clean_up]
    return [BackgroundJob("mail", mail_delivery().run, interval_seconds=1), clean_up]
