"""Unit tests have no database: a transaction opens and ends, and what is awaited in it is the tests' own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from apps.core.database import transaction as transaction_module


class NoTransaction:
    """Stands for the connection of a transaction."""

    def __init__(self, _borrowed: Any, _borrowing: Any) -> None:
        self.ended: list[str] = []

    async def commit(self) -> None:
        self.ended.append("commit")

    async def roll_back(self) -> None:
        self.ended.append("rollback")

    def close(self) -> None:
        self.ended.append("close")


@asynccontextmanager
async def no_connection(_places: Any) -> AsyncIterator[None]:
    yield None


@pytest.fixture(autouse=True)
def _no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction_module, "_connection", no_connection)
    monkeypatch.setattr(transaction_module, "ServiceTransaction", NoTransaction)
