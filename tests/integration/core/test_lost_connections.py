"""Idle connections that the server has closed cause no delay, regardless of their number."""

import asyncio
import time

from apps.core.database.statements import fetch_rows
from tests.integration.core.test_connections import PID, kill
from tests.support.orm import run_in_transaction

SECONDS_MAXIMUM = 0.8  # psycopg's pool pauses for 1 s after the second lost connection, and for 2 s after the third


async def test_lost_idle_connections_cause_no_pause(database):
    results = await asyncio.gather(*(fetch_rows(f"{PID}, pg_sleep(0.2)") for _ in range(8)))
    pids = {result[0][0] for result in results}
    assert len(pids) > 2
    for pid in pids:
        assert await run_in_transaction(kill, pid)
    started = time.monotonic()
    ((another,),) = await fetch_rows(PID)
    assert another not in pids
    assert time.monotonic() - started < SECONDS_MAXIMUM
