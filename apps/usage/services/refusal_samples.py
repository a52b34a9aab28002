"""The last refused calls of each key: collected in memory when they are decided, written soon after."""

from collections import deque
from collections.abc import Iterable

from apps.usage.domain.calls import RefusedCall
from apps.usage.repositories.refusal_repository import RefusalRepository

WAITING_MAXIMUM = 2000  # calls that one worker writes at once, and so keeps in memory: up to about 4 MB


class RefusalSamples:
    """Collects refused calls of one worker, and writes them in one statement.

    Nothing waits for it: neither the transaction that decides, nor the response. A worker that is stopped or killed
    loses what it has not written. Under a flood of refusals only the newest calls of each key are kept: `per_key`, and
    half as many each time that WAITING_MAXIMUM is reached, so that the calls of a few busy keys leave room for others.
    `denials` counts every refused call.
    """

    def __init__(self, refusals: RefusalRepository, per_key: int) -> None:
        self._refusals = refusals
        self._per_key = per_key
        self._begin()

    def add(self, calls: Iterable[RefusedCall]) -> None:
        """Keep the calls for the next `write`."""
        if self._per_key == 0:
            return
        for call in calls:
            self._add(call)

    async def write(self) -> bool:
        """Write what was added since, and return False: no more is due. What cannot be written is lost."""
        calls = [call for of_key in self._waiting.values() for call in of_key]
        self._begin()
        if calls:
            await self._refusals.write(calls)
        return False

    def _begin(self) -> None:
        self._waiting: dict[int, deque[RefusedCall]] = {}  # by key
        self._count = 0
        self._kept = self._per_key

    def _add(self, call: RefusedCall) -> None:
        of_key = self._waiting.setdefault(call.api_key_id, deque())
        of_key.append(call)
        self._count += 1
        self._trim(of_key)
        if self._count > WAITING_MAXIMUM:
            self._make_room(call.api_key_id)

    def _make_room(self, newest_key_id: int) -> None:
        """Keep half as many calls of each key. Once that is one, calls of further keys are dropped."""
        if self._kept > 1:
            self._kept //= 2
            for of_key in self._waiting.values():
                self._trim(of_key)
        else:
            self._count -= len(self._waiting.pop(newest_key_id))

    def _trim(self, of_key: deque[RefusedCall]) -> None:
        while len(of_key) > self._kept:
            of_key.popleft()
            self._count -= 1
