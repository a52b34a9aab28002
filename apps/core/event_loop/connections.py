"""What an event loop has open: connections to the database, and to the cache if that is a server of its own."""

from apps.core.database.pool import close_pools
from apps.core.rate_limits.redis_clients import close_client


async def close_connections() -> None:
    """Close what the running loop has open."""
    try:
        await close_client()
    finally:
        await close_pools()
