"""Announces that a server responds."""

from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from threading import Event, Lock, Thread

PAUSE_SECONDS = 0.1
RESPONSE_SECONDS_MAXIMUM = 5


class Announcement:
    """Calls `announce` once, when `/health` at `netloc` responds, unless it is cancelled before.

    It polls from a thread, because the process that starts the workers does not learn when they listen.
    """

    def __init__(self, netloc: str, announce: Callable[[], None]) -> None:
        self._netloc = netloc
        self._announce = announce
        self._is_cancelled = Event()
        self._announcing = Lock()
        self._is_announced = False

    def begin(self) -> None:
        """Start polling; the process does not wait for this when it ends."""
        Thread(target=self._poll, name="announcement", daemon=True).start()

    def cancel(self) -> bool:
        """Prevent the announcement, and return whether it was made; waits for one that is being made."""
        self._is_cancelled.set()
        with self._announcing:
            return self._is_announced

    def _poll(self) -> None:
        while not self._responds():
            if self._is_cancelled.wait(PAUSE_SECONDS):
                return
        with self._announcing:
            if not self._is_cancelled.is_set():
                self._announce()
                self._is_announced = True

    def _responds(self) -> bool:
        try:
            with closing(HTTPConnection(self._netloc, timeout=RESPONSE_SECONDS_MAXIMUM)) as connection:
                connection.request("GET", "/health")
                return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
