"""The background jobs of a worker process, and its end when the parent process ends."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess

from apps.core.background.background_jobs import BackgroundJob
from apps.core.background.clean_up import CleanUpRound
from apps.core.declarations import app_declarations, clean_up_tasks

CLEAN_UP_SECONDS = 3600
GRACE_SECONDS = 5


def background_jobs() -> Sequence[BackgroundJob]:
    """Return the jobs that every worker runs while it serves: those that apps declare, and clean-up."""
    declared = [job for declaration in app_declarations().values() for job in declaration.background_jobs()]
    tasks = {task.name: task.run for task in clean_up_tasks()}
    return [*declared, BackgroundJob("clean-up", CleanUpRound(tasks).run, interval_seconds=CLEAN_UP_SECONDS)]


def end_with_parent() -> None:
    """End this worker when the process that started it dies, even by `kill -9`; in any other process do nothing.

    Otherwise the worker would keep the port, and the next start would find it taken.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=[parent], name="parent watch", daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
