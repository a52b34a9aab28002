"""`/health`."""

import asyncio
import logging

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status

from apps.core.database.away import DATABASE_AWAY
from apps.core.database.queries import fetch_rows
from apps.core.http.responses import errors
from apps.core.schemas.health import Liveness, Readiness

READINESS_TIMEOUT_SECONDS = 2
RETRY_AFTER_SECONDS = 1

logger = logging.getLogger("keyhouse.health")
router = Router(tags=["health"])


@router.get("/health", auth=None, response={200: Liveness, **errors()})
async def get_liveness(request: HttpRequest) -> Liveness:
    """Ask whether the process answers; it needs nothing else to."""
    return Liveness()


@router.get("/health/ready", auth=None, response={200: Readiness, 503: Readiness})
async def get_readiness(request: HttpRequest, response: HttpResponse) -> Status[Readiness]:
    """Ask whether the service can do its work; names each dependency, 503 when one is away."""
    if await _database_answers():
        return Status(200, Readiness(status="ready", dependencies={"database": "ok"}))
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return Status(503, Readiness(status="unavailable", dependencies={"database": "away"}))


async def _database_answers() -> bool:
    # Not awaited when it is late: a query to a frozen server hangs in its cancellation too.
    probe = asyncio.create_task(_ask_database())
    await asyncio.wait({probe}, timeout=READINESS_TIMEOUT_SECONDS)
    if probe.done():
        return probe.result()
    probe.cancel()
    logger.warning("database away: no answer in %d s", READINESS_TIMEOUT_SECONDS)
    return False


async def _ask_database() -> bool:
    try:
        await fetch_rows("SELECT 1")
    except DATABASE_AWAY as error:
        logger.warning("database away: %s", type(error).__name__)
        return False
    return True
