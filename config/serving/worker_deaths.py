"""How many deaths of workers the server forgives before it takes them for a crash loop and ends.

granian 2.8 ends as soon as a worker dies within 5.5 seconds of having been started in another's place, which two kills
by the kernel's out-of-memory killer are enough for. Then nobody serves until somebody starts the server again.
"""

import time
from collections import deque
from typing import Any

DEATHS_FORGIVEN = 40
FORGIVEN_WITHIN_SECONDS = 60


class WorkerDeaths(dict[int, float]):
    """In the place of granian's own record of when it started which worker again, which it reads at each death."""

    def __init__(self) -> None:
        super().__init__()
        self._deaths: deque[float] = deque()

    def get(self, index: int, default: Any = None) -> Any:
        """Return when the worker was started, or `default` (long ago) while its death is forgiven."""
        now = time.monotonic()
        self._deaths.append(now)
        while now - self._deaths[0] > FORGIVEN_WITHIN_SECONDS:
            self._deaths.popleft()
        return default if len(self._deaths) <= DEATHS_FORGIVEN else super().get(index, default)
