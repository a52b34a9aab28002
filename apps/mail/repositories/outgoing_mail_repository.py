"""Reads and writes mail on its way out."""

from pathlib import Path
from typing import Any

from django.db import connection

from apps.core.database.sql_files import load_statements

SQL = load_statements(Path(__file__).with_name("outgoing_mails.sql"))


class OutgoingMailRepository:
    """The letters' rows."""

    def add(self, **fields: Any) -> int | None:
        """Insert a letter in the transaction that is open on the calling thread; None when its key is there already."""
        with connection.cursor() as cursor:
            cursor.execute(SQL["post"], fields)
            row = cursor.fetchone()
        return row[0] if row else None
