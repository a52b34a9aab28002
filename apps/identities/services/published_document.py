"""What a provider has published, kept for a while."""

import time
from collections.abc import Awaitable, Callable

KEPT_SECONDS = 3600
REFRESH_SECONDS = 10


class PublishedDocument[T]:
    """Asks at most once an hour, or every REFRESH_SECONDS where what is kept has turned out not to do.

    A failure is not kept. Whoever asks while another does asks too: that is rare, and nobody waits for anybody.
    """

    def __init__(self, ask: Callable[[], Awaitable[T]], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._kept: tuple[float, T] | None = None

    async def get(self) -> T:
        """Return what was published within the hour."""
        return await self._within(KEPT_SECONDS)

    async def get_fresh(self) -> T:
        """Return what was published in the last seconds."""
        return await self._within(REFRESH_SECONDS)

    async def _within(self, seconds: float) -> T:
        if self._kept is None or self._clock() - self._kept[0] >= seconds:
            self._kept = (self._clock(), await self._ask())
        return self._kept[1]
