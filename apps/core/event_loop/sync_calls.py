"""Calls async services from synchronous code: the admin and management commands."""

from collections.abc import Awaitable, Callable

from asgiref.sync import async_to_sync

from apps.core.database.pool import close_pools, has_pools


def call_service[**P, R](function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run an async service function and return its result.

    Inside the server it runs on the server's event loop and pools. In commands and tests it runs on a new event loop,
    and closes the connections before the loop ends.
    """

    async def call() -> R:
        uses_server_pools = has_pools()
        try:
            return await function(*args, **kwargs)
        finally:
            if not uses_server_pools:
                await close_pools()

    return async_to_sync(call)()
