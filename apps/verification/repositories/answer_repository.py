"""Keeps the answers that may be asked for again."""

from pathlib import Path

from apps.core.database.sql_files import load_statements
from apps.core.database.statements import fetch_rows

SQL = load_statements(Path(__file__).with_name("answers.sql"))


class AnswerRepository:
    """The first answers' rows."""

    async def remove_old(self, maximum: int) -> int:
        """Remove at most so many answers of more than a day ago, and return how many; passes over those in use."""
        return int((await fetch_rows(SQL["remove_old"], [maximum]))[0][0])
