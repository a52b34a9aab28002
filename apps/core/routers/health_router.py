"""`/health` and `/health/ready`."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Status

from apps.core.database.database_errors import DATABASE_UNAVAILABLE
from apps.core.database.statements import fetch_rows
from apps.core.database.transaction import require_transactions
from apps.core.errors import Unavailable
from apps.core.http.responses import Router
from apps.core.rate_limits.redis_clients import ping
from apps.core.schemas.common_responses import Liveness, Readiness, State

READINESS_TIMEOUT_SECONDS = 2
RETRY_AFTER_SECONDS = 1

logger = logging.getLogger("keyhouse.health")
router = Router(tags=["health"])


@router.get("/health", auth=None, response={200: Liveness})
async def get_liveness(request: HttpRequest) -> Liveness:
    """Check that the process is running. Depends on no other service."""
    return Liveness()


@router.get("/health/ready", auth=None, response={200: Readiness, 503: Readiness})
async def get_readiness(request: HttpRequest, response: HttpResponse) -> Status[Readiness]:
    """Check that the service is ready. Lists each dependency; the status is 503 when one is unavailable."""
    states = await _states()
    if set(states.values()) == {"ok"}:
        return Status(200, Readiness(status="ready", dependencies=states))
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return Status(503, Readiness(status="unavailable", dependencies=states))


async def _states() -> dict[str, State]:
    checks: dict[str, Coroutine[Any, Any, object]] = {"database": _check_database()}
    if settings.CACHE_URL:
        checks["cache"] = ping(settings.CACHE_URL)
    probes = {name: asyncio.create_task(check) for name, check in checks.items()}
    try:
        # Probes that exceed the timeout are not awaited: a query to a frozen server hangs in its cancellation too.
        await asyncio.wait(probes.values(), timeout=READINESS_TIMEOUT_SECONDS)
        return {name: _state(name, probe) for name, probe in probes.items()}
    finally:
        for probe in probes.values():
            _abandon(probe)


async def _check_database() -> None:
    await fetch_rows("SELECT 1")
    await require_transactions()  # they have connections of their own


def _state(name: str, probe: asyncio.Task[object]) -> State:
    if not probe.done():
        logger.warning("%s unavailable: no response in %d s", name, READINESS_TIMEOUT_SECONDS)
        return "unavailable"
    error = probe.exception()
    if error is None:
        return "ok"
    if not isinstance(error, (*DATABASE_UNAVAILABLE, Unavailable)):
        raise error
    logger.warning("%s unavailable: %s", name, type(error).__name__)
    return "unavailable"


def _abandon(probe: asyncio.Task[object]) -> None:
    """Cancel a probe that is no longer awaited, and ignore its error, which asyncio would log as unexpected."""
    probe.cancel()
    probe.add_done_callback(lambda done: None if done.cancelled() else done.exception())
