"""What a reader must know of the machine to read its figures; nothing that names it."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from tests.benchmarks.plan import Group
from tests.benchmarks.postgres_activity import Postgres
from tests.benchmarks.targets import Found

PACKAGES = ("Django", "django-ninja", "psycopg", "uvicorn", "httptools", "uvloop")
REFERENCE_PACKAGES = ("granian", "uvicorn")
PEER_PACKAGES = ("fastapi", "uvicorn", "httptools", "SQLAlchemy", "asyncpg", "redis", "pydantic")
SETTINGS = ("fsync", "synchronous_commit", "shared_buffers", "max_wal_size", "checkpoint_timeout", "wal_compression")
LEFT_OUT = "left out of this run"


def facts(found: Found, postgres: Postgres, checkpoints: int) -> dict[str, str]:
    """Return the facts by name; `checkpoints` is how many there were while the rounds were measured."""
    plan = found.plan
    return {
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Machine": f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()}), shared by servers, "
        "PostgreSQL, Redis and load generator",
        "Python": f"{platform.python_version()}, {_versions(PACKAGES)}",
        "The bare servers": _versions(REFERENCE_PACKAGES),
        "The FastAPI service": _versions(PEER_PACKAGES) if Group.PEER in plan.groups else LEFT_OUT,
        "PostgreSQL": f"{postgres.setting('server_version')}, "
        + ", ".join(f"{name} = {postgres.setting(name)}" for name in SETTINGS),
        "Measured": f"{plan.rounds} interleaved rounds, {plan.measured_seconds:g} s a cell and round after "
        f"{plan.warm_up_seconds:g} s of warm-up; {checkpoints} checkpoints of PostgreSQL's own accord meanwhile",
        "A worker's memory": _memory(found),
    }


def _memory(found: Found) -> str:
    memory, many = found.memory, found.many_keys
    parts = []
    if memory:
        parts.append(
            f"{memory.megabytes[0]:.0f} MB at first, {memory.at_work:.0f} MB soon after, {memory.at_end:.0f} MB at the "
            f"end and {memory.highest:.0f} MB at its highest in {memory.seconds:.0f} s of verifications at "
            f"{found.plan.crowd} connections ({memory.requests:,} of them)"
        )
    if many:
        parts.append(
            f"{many.megabytes[0]:.0f} MB before and {many.megabytes[-1]:.0f} MB after {many.requests:,} different keys "
            "were asked about once each"
        )
    return "; ".join(parts) or LEFT_OUT


def _versions(packages: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {_version(name)}" for name in packages)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return LEFT_OUT
