"""What a server's worker process does for itself."""

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.process import BaseProcess

GRACE_SECONDS = 5


def end_with_parent() -> None:
    """End this worker when the process that started it dies, even by `kill -9`; in any other process do nothing.

    Otherwise it would keep the port, and the next start would find it taken.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_outlive_by_little, args=[parent], name="parent watch", daemon=True).start()


def _outlive_by_little(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
