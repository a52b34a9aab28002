"""A Django cache backend for integers in PostgreSQL, with an atomic increment.

Django's own database cache reads and then writes, which loses counts under concurrency.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.db import connection

from apps.core.database.statements import load_statements
from apps.core.rate_limits.counting_cache import CountingCache

SQL = load_statements(Path(__file__).with_name("counters.sql"))


class PostgresqlCounterCache(CountingCache):
    """Stores integers in the table `rate_limit_counters`. Each addition deletes a few expired rows."""

    def __init__(self, _location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Return the counter, or `default`."""
        row = _run("get", [self._key(key, version)])
        return row[0] if row else default

    def set(self, key: str, value: int, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Set the counter."""
        _run("set", [self._key(key, version), value, self._lifetime_seconds(timeout)])

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Set when the counter expires, and return whether it existed."""
        return _run("touch", [self._lifetime_seconds(timeout), self._key(key, version)]) is not None

    def delete(self, key: str, version: int | None = None) -> bool:
        """Delete the counter, and return whether it existed."""
        return _run("delete", [self._key(key, version)]) is not None

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Add `delta` to the counter and return its new value. Raises ValueError when it does not exist."""
        row = _run("increment", [delta, self._key(key, version)])
        if row is None:
            raise ValueError("the counter does not exist")
        return int(row[0])

    def clear(self) -> None:
        """Delete every counter."""
        _run("clear", [])

    def _add(self, full_key: str, value: int, lifetime_seconds: float | None) -> bool:
        added = _run("add", [full_key, value, lifetime_seconds]) is not None
        if added:
            _run("remove_expired", [])
        return added


def _run(statement: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(SQL[statement], parameters)
        row: tuple[Any, ...] | None = cursor.fetchone() if cursor.description else None
        return row
