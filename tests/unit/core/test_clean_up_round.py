"""The clean-up round runs one task at a time, and a failing task does not affect the others."""

import logging

import pytest
from psycopg import IntegrityError
from psycopg_pool import PoolTimeout

from apps.core.background.clean_up import CleanUpRound
from apps.core.errors import Unavailable

pytestmark = pytest.mark.unit


def recorded(done: list[str], name: str, error: Exception | None = None):
    async def task() -> int:
        done.append(name)
        if error is not None:
            raise error
        return len(done)

    return task


async def test_each_run_does_one_task_and_reports_the_end_of_the_round():
    done: list[str] = []
    tasks = CleanUpRound({name: recorded(done, name) for name in ("a", "b", "c")})
    assert [await tasks.run() for _ in range(6)] == [True, True, False, True, True, False]
    assert done == ["a", "b", "c", "a", "b", "c"]


async def test_failed_task_is_logged_by_class_and_retried_next_round(caplog):
    done: list[str] = []
    tasks = CleanUpRound(
        {
            "timeout": recorded(done, "timeout", PoolTimeout("no connection")),
            "outage": recorded(done, "outage", Unavailable()),
            "broken": recorded(done, "broken", IntegrityError("row values")),
            "successful": recorded(done, "successful"),
        }
    )
    assert [await tasks.run() for _ in range(5)] == [True, True, True, False, True]
    assert done == ["timeout", "outage", "broken", "successful", "timeout"]
    logged = [(record.levelno, record.getMessage()) for record in caplog.records if record.levelno > logging.INFO]
    assert logged == [
        (logging.WARNING, "timeout: unavailable, postponed to the next round: PoolTimeout"),
        (logging.WARNING, "outage: unavailable, postponed to the next round: Unavailable"),
        (logging.WARNING, "broken: failed, postponed to the next round: IntegrityError"),
        (logging.ERROR, "unexpected IntegrityError None"),
        (logging.WARNING, "timeout: unavailable, postponed to the next round: PoolTimeout"),
    ]
    assert "row values" not in caplog.text
