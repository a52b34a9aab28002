"""Idle connections that the server has ended cost their next user no time, however many they are."""

import asyncio
import time

from apps.core.database.statements import fetch_rows
from tests.integration.core.test_connections import PID, kill
from tests.support.orm import run_in_transaction

SECONDS_MAXIMUM = 0.8  # psycopg's pool pauses for a second after the second lost connection, for two after the third


async def test_one_after_another_meets_no_pause(database):
    answers = await asyncio.gather(*(fetch_rows(f"{PID}, pg_sleep(0.2)") for _ in range(8)))
    pids = {answer[0][0] for answer in answers}
    assert len(pids) > 2
    for pid in pids:
        assert await run_in_transaction(kill, pid)
    started = time.monotonic()
    ((another,),) = await fetch_rows(PID)
    assert another not in pids
    assert time.monotonic() - started < SECONDS_MAXIMUM
