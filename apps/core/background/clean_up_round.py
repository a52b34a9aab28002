"""Several things that a background job does one after the other."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from apps.core.database.unavailable import DATABASE_UNAVAILABLE
from apps.core.database.unexpected_errors import log_unexpected
from apps.core.errors import Unavailable

logger = logging.getLogger("keyhouse.background")

# Does its whole work in small transactions, and returns how many rows it was.
Part = Callable[[], Awaitable[int]]


class CleanUpRound:
    """Does one part at a call of `run`, so that the server can stop between two."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = tuple(parts.items())
        self._done = 0

    async def run(self) -> bool:
        """Do the next part, and return whether another follows in this round.

        A part that fails is logged by the class of its error, keeps no other from its turn, and is tried again in the
        next round.
        """
        name, part = self._parts[self._done]
        self._done = (self._done + 1) % len(self._parts)
        try:
            removed = await part()
        except (*DATABASE_UNAVAILABLE, Unavailable) as error:
            logger.warning("%s waits for the next round: %s", name, type(error).__name__)
        except Exception as error:  # noqa: BLE001  logged in full; the next round may go well
            logger.warning("%s failed, and is tried again in the next round: %s", name, type(error).__name__)
            log_unexpected(error)
        else:
            if removed:
                logger.info("%s: %d removed", name, removed)
        return self._done != 0
