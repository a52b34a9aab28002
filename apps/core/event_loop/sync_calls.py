"""Calls async services from synchronous code: the admin and management commands."""

from collections.abc import Awaitable, Callable

from asgiref.sync import async_to_sync

from apps.core.database.pool import close_pools, has_pools


def call_service[**P, R](function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run an async service function to its end and return its result.

    Under the server it runs on the server's event loop and its pool; elsewhere (a command, a test) on a loop of
    its own, whose connections are closed before the loop ends.
    """

    async def call() -> R:
        pool_is_the_servers = has_pools()
        try:
            return await function(*args, **kwargs)
        finally:
            if not pool_is_the_servers:
                await close_pools()

    return async_to_sync(call)()
