"""Continuous verification of keys while a test does something else."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from tests.support.asker import Asker, Reply

PROGRESS_SECONDS_MAXIMUM = 30.0
PAUSE_SECONDS = 0.01

# Sends one query; the arguments are the client, its number and the number of the query.
type Ask = Callable[[Asker, int, int], Reply]


class Load:
    """The replies so far. Each client appends to its own list."""

    def __init__(self, askers: int) -> None:
        self._replies: list[list[Reply]] = [[] for _ in range(askers)]
        self._is_stopped = Event()

    @property
    def replies(self) -> list[Reply]:
        """All replies."""
        return [reply for replies in self._replies for reply in replies]

    @property
    def replies_of_each(self) -> list[list[Reply]]:
        """The replies of each client."""
        return [list(replies) for replies in self._replies]

    def run(self, number: int, open_asker: Callable[[int], Asker], ask: Ask) -> None:
        """Send queries until `stop` is called, and wait for the last reply."""
        replies = self._replies[number]
        with open_asker(number) as asker:
            while not self._is_stopped.is_set():
                replies.append(ask(asker, number, len(replies)))

    def stop(self) -> None:
        """Stop sending queries."""
        self._is_stopped.set()

    def wait_for_answers(self, seconds: float = PROGRESS_SECONDS_MAXIMUM) -> float:
        """Wait until every client has a reply to a query sent after this call; return the duration in seconds."""
        started = time.monotonic()
        while not all(replies and replies[-1].started > started for replies in self._replies):
            assert time.monotonic() - started < seconds, f"not all clients had a reply in {seconds} seconds"
            time.sleep(PAUSE_SECONDS)
        return time.monotonic() - started


@contextmanager
def load(askers: int, open_asker: Callable[[int], Asker], ask: Ask) -> Iterator[Load]:
    """Send queries on `askers` connections inside the block. Raises afterwards if a client failed."""
    running = Load(askers)
    with ThreadPoolExecutor(askers) as threads:
        runs = [threads.submit(running.run, number, open_asker, ask) for number in range(askers)]
        try:
            yield running
        finally:
            running.stop()
        for run in runs:
            run.result()
