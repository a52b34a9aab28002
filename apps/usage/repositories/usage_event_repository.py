"""Keeps the usage events' table in shape."""

from apps.core.database.queries import fetch_rows


class UsageEventRepository:
    """The usage events' partitions."""

    async def ensure_partitions(self, months_ahead: int) -> None:
        """Make the partitions of this month and those ahead, where they are missing; safe to run at any time."""
        await fetch_rows("SELECT ensure_usage_partitions(%s)", [months_ahead])
