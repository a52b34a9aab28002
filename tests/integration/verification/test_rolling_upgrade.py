"""Workers of the version before run beside new ones: both count into one row, and no call is lost."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from threading import Barrier

from apps.verification.domain import Purpose
from apps.verification.repositories.decision_repository import DecisionRepository
from apps.verification.services.verification_service import VerificationService
from tests.integration.verification.verifying import decide_on, make_limited_key, run_on_a_loop
from tests.support.factories import IssuedKey, give_credits
from tests.support.record_reader import other_connection
from tests.unit.verification.records import query_about

LIMIT, ROUNDS, NEW_WORKERS = 10_000, 40, 2
PERIOD_MS = 3_600_000
CREDITS = 1000
# What the version before did: it locked the balance and the counter, in one statement, and knew no `entries`.
LOCK = """
SELECT counter.windows FROM api_key_counters AS counter
JOIN api_keys AS key ON key.id = counter.api_key_id
JOIN credit_balances AS balance ON balance.user_id = key.user_id
WHERE key.id = %s ORDER BY key.id FOR NO KEY UPDATE OF balance, counter
"""
COUNT = "UPDATE api_key_counters SET windows = %s WHERE api_key_id = %s"


def call_as_before(key: IssuedKey, rounds: int) -> None:
    """Count calls as the version before did."""
    with other_connection() as opened:
        for _ in range(rounds):
            with opened.transaction():
                ((windows,),) = opened.execute(LOCK, [key.id]).fetchall()
                now_ms = int(datetime.now(UTC).timestamp() * 1000)
                found = json.loads(windows) or [[PERIOD_MS]]
                opened.execute(COUNT, [json.dumps([[*found[0], now_ms, 1]]), key.id])


def test_no_call_is_lost_between_versions(database: None):
    key, together = make_limited_key(("hour", LIMIT, PERIOD_MS // 1000)), Barrier(NEW_WORKERS + 1)
    give_credits(key.row.user, CREDITS)

    async def new_worker() -> None:
        service = VerificationService(DecisionRepository())
        for _ in range(ROUNDS):
            calls = [service.decide(query_about(key.secret, cost=Decimal(1))) for _ in range(3)]
            assert all(verdict.is_valid for verdict in await asyncio.gather(*calls))

    def begin(number: int) -> None:
        together.wait()
        if number:
            run_on_a_loop(new_worker)
        else:
            call_as_before(key, ROUNDS)

    with ThreadPoolExecutor(NEW_WORKERS + 1) as threads:
        list(threads.map(begin, range(NEW_WORKERS + 1)))
    inspected = query_about(key.secret, purpose=Purpose.INSPECTION)
    (verdict,) = run_on_a_loop(lambda: decide_on([inspected]))
    calls = 3 * ROUNDS * NEW_WORKERS
    assert verdict.rate_limits[0].remaining == LIMIT - calls - ROUNDS
    assert verdict.balance == CREDITS - calls
