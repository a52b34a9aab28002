"""Sends the letters that are due."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from apps.core.database.unavailable import DATABASE_UNAVAILABLE
from apps.core.event_loop.daemon_thread import run_in_daemon_thread
from apps.mail.models import ClaimedMail
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository
from apps.mail.services.sending import is_final

logger = logging.getLogger("keyhouse.mail")

AT_ONCE = 4
SEND_SECONDS_MAXIMUM = 120
# Longer than sending can take, so that nobody else sends meanwhile; what a killed worker had claimed is sent after it.
LEASE_SECONDS = 180
FIRST_WAIT_SECONDS = 10
WAIT_SECONDS_MAXIMUM = 600
DATABASE_PAUSE_SECONDS = 1

# Sends a letter; blocks.
Send = Callable[[ClaimedMail], None]


class Delivery:
    """Claims letters, sends each on a thread, and notes what came of it.

    A letter is sent at least once, and twice only when a worker dies, or loses the database for minutes, between the
    mail server's answer and the note of it. One that cannot be sent is tried again until it expires.
    """

    def __init__(self, mails: OutgoingMailRepository, send: Send) -> None:
        self._mails = mails
        self._send = send

    async def run(self) -> bool:
        """Send a few of the letters that are due, and return whether there were any."""
        claimed = await self._mails.claim(AT_ONCE, LEASE_SECONDS)
        await asyncio.gather(*(self._deliver(mail) for mail in claimed))
        return bool(claimed)

    async def deliver(self, key: str) -> None:
        """Send the letter of this key now, unless somebody does already."""
        for mail in await self._mails.claim(1, LEASE_SECONDS, key):
            await self._deliver(mail)

    async def _deliver(self, mail: ClaimedMail) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS_MAXIMUM):
                await run_in_daemon_thread(partial(self._send, mail), name=f"letter {mail.id}")
        except Exception as error:  # noqa: BLE001  noted and logged, whatever it is
            _log(mail, error)
            await _note(partial(self._note_failure, mail, error))
        else:
            await _note(partial(self._mails.note_sent, mail.id))

    async def _note_failure(self, mail: ClaimedMail, error: Exception) -> None:
        name, wait_seconds = type(error).__name__, wait_seconds_after(mail.attempts)
        await self._mails.note_failure(mail, name, wait_seconds=wait_seconds, is_final=is_final(error))


def wait_seconds_after(attempts: int) -> int:
    """Return how long to wait after so many attempts: twice as long each time, up to ten minutes."""
    return int(min(FIRST_WAIT_SECONDS * 2 ** min(attempts - 1, 10), WAIT_SECONDS_MAXIMUM))


async def _note(write: Callable[[], Awaitable[None]]) -> None:
    # Gone to the mail server is gone: if the note of it were lost, the letter would be sent again.
    while True:
        try:
            await write()
        except DATABASE_UNAVAILABLE:
            await asyncio.sleep(DATABASE_PAUSE_SECONDS)
        else:
            return


def _log(mail: ClaimedMail, error: Exception) -> None:
    # The error's text may hold addresses, so its class and its place have to do.
    place = None if isinstance(error, OSError) else (RuntimeError, RuntimeError("withheld"), error.__traceback__)
    name = type(error).__name__
    logger.warning("letter %s (%s), attempt %s: %s", mail.id, mail.kind, mail.attempts, name, exc_info=place)
