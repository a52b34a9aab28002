"""Runs statements in the transaction that is open on the calling thread."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection


def run_statement(sql: str, parameters: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of one statement; `fetch_rows` does the same in a transaction of its own."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []
