"""What a reader must know of the machine to read its figures; nothing that names it."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version

from tests.benchmarks.databases import setting
from tests.benchmarks.plan import Plan

PACKAGES = ("Django", "django-ninja", "psycopg", "granian", "uvloop")


def facts(database_url: str, plan: Plan) -> dict[str, str]:
    """Return the facts by name."""
    commit = {name: setting(database_url, name) for name in ("fsync", "synchronous_commit")}
    return {
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Machine": f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()}), shared by servers, PostgreSQL "
        "and load generator",
        "Python": f"{platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in PACKAGES)}",
        "PostgreSQL": f"{setting(database_url, 'server_version')}, "
        + ", ".join(f"{name} = {value}" for name, value in commit.items()),
        "Measured": f"one worker, {plan.rounds} interleaved rounds, {plan.measured_seconds:g} s a cell and round after "
        f"{plan.warm_up_seconds:g} s of warm-up",
    }
