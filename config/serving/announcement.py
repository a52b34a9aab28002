"""Says something once a server answers."""

from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from threading import Event, Lock, Thread

PAUSE_SECONDS = 0.1
ANSWER_SECONDS_MAXIMUM = 5


class Announcement:
    """Calls `announce` once, when `/health` at `netloc` answers; never when it is called off before.

    It watches from a thread, because whoever starts granian's workers is not told when they listen.
    """

    def __init__(self, netloc: str, announce: Callable[[], None]) -> None:
        self._netloc = netloc
        self._announce = announce
        self._is_off = Event()
        self._saying = Lock()
        self._is_said = False

    def begin(self) -> None:
        """Watch for the first answer; the process does not wait for this when it ends."""
        Thread(target=self._watch, name="announcement", daemon=True).start()

    def call_off(self) -> bool:
        """Say nothing any more, and return whether it has been said; what is being said is waited for."""
        self._is_off.set()
        with self._saying:
            return self._is_said

    def _watch(self) -> None:
        while not self._answers():
            if self._is_off.wait(PAUSE_SECONDS):
                return
        with self._saying:
            if not self._is_off.is_set():
                self._announce()
                self._is_said = True

    def _answers(self) -> bool:
        try:
            with closing(HTTPConnection(self._netloc, timeout=ANSWER_SECONDS_MAXIMUM)) as connection:
                connection.request("GET", "/health")
                return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
