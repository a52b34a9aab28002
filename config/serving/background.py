"""What is done beside the requests."""

from collections.abc import Sequence

from django.conf import settings

from apps.core.background.background_job import BackgroundJob
from apps.mail.dependencies import mail_delivery


def background_jobs() -> Sequence[BackgroundJob]:
    """Return the jobs that every worker does while it serves. Without a mail server, letters wait in their table."""
    return [BackgroundJob("mail", mail_delivery().run, interval_seconds=1)] if settings.MAILERS else []
