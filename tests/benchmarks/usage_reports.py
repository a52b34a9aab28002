"""Times rollups, reports and exports with ten million calls: `make bench-usage` makes them, and runs this."""

import asyncio
import os
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import django
import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from apps.core.database.pool import close_pools  # noqa: E402  these need Django
from apps.usage.dependencies import usage_exports, usage_reports  # noqa: E402
from apps.usage.repositories.usage_rollup_repository import UsageRollupRepository  # noqa: E402
from apps.usage.schemas.usage_report import UsageQuery  # noqa: E402
from apps.usage.services.usage_rollups import UsageRollups  # noqa: E402
from tests.benchmarks.usage_filler import KEYS, LARGE, SMALL, fill  # noqa: E402

ROUNDS = 30
TABLES = ("key_usage_quarters", "tag_usage_quarters", "customer_usage_days")
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
MONTH = {"from": TODAY - timedelta(days=31), "to": TODAY}
CASES: dict[str, tuple[int | None, dict[str, Any]]] = {
    "large customer, by day": (LARGE, {}),
    "large customer, by day of Berlin": (LARGE, {"tz": "Europe/Berlin"}),
    "large customer, by key": (LARGE, {"group_by": "key"}),
    "large customer, by tag": (LARGE, {"group_by": "tag"}),
    "large customer, by key and hour": (LARGE, {"group_by": "key", "interval": "hour", "tz": "Asia/Kolkata"}),
    "small customer, by key": (SMALL, {"group_by": "key"}),
    "all customers": (None, {"group_by": "customer"}),
}


async def main(url: str) -> None:
    """Measure everything, and print a line for each."""
    await _roll_up()
    with psycopg.connect(url, autocommit=True) as opened:
        opened.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}")
        for table in TABLES:
            size = f"SELECT count(*), pg_size_pretty(pg_total_relation_size('{table}')) FROM {table}"
            _print(table, *(opened.execute(size).fetchone() or ()))
    for name, (user_id, query) in CASES.items():
        await _report(name, user_id, UsageQuery.model_validate({**MONTH, **query}))
    await _export()
    await close_pools()


async def _roll_up() -> None:
    rollups, began = UsageRollups(UsageRollupRepository(), pause_seconds=0), time.perf_counter()
    while await rollups.roll_up():
        pass
    _print("rolled up in", round(time.perf_counter() - began), "s")


async def _report(name: str, user_id: int | None, query: UsageQuery) -> None:
    reports, times = usage_reports(), []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await (reports.of_all(query) if user_id is None else reports.of_customer(user_id, KEYS, query))
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    _print(f"{name:36}", f"p50 {times[ROUNDS // 2]:.0f} ms, p95 {times[ROUNDS * 95 // 100]:.0f} ms")


async def _export() -> None:
    began, size, lines = time.perf_counter(), 0, 0
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chunks = await usage_exports().begin("csv", LARGE, TODAY - timedelta(days=59), TODAY, shows_cost=True)
    async for chunk in chunks:
        size, lines = size + len(chunk), lines + chunk.count(b"\n")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    _print("exported", lines, "calls,", size // 1_000_000, "MB, in", round(time.perf_counter() - began), "s;")
    _print("memory has grown by", grown // 1024, "MB")


def _print(*parts: object) -> None:
    sys.stdout.write(" ".join(map(str, parts)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if "--filled" not in sys.argv:
        fill(os.environ["DATABASE_URL"])
    asyncio.run(main(os.environ["DATABASE_URL"]))
