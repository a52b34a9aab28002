"""A job of several parts does one at a time, and none keeps another from its turn."""

import logging

import pytest
from psycopg import IntegrityError
from psycopg_pool import PoolTimeout

from apps.core.background.clean_up_round import CleanUpRound
from apps.core.errors import Unavailable

pytestmark = pytest.mark.unit


def counted(done: list[str], name: str, error: Exception | None = None):
    async def part() -> int:
        done.append(name)
        if error is not None:
            raise error
        return len(done)

    return part


async def test_each_call_does_one_part_and_says_when_the_round_is_over():
    done: list[str] = []
    parts = CleanUpRound({name: counted(done, name) for name in ("a", "b", "c")})
    assert [await parts.run() for _ in range(6)] == [True, True, False, True, True, False]
    assert done == ["a", "b", "c", "a", "b", "c"]


async def test_a_part_that_fails_is_logged_by_its_class_and_tried_again_in_the_next_round(caplog):
    done: list[str] = []
    parts = CleanUpRound(
        {
            "away": counted(done, "away", PoolTimeout("gone")),
            "taken to be away": counted(done, "taken to be away", Unavailable()),
            "broken": counted(done, "broken", IntegrityError("row values")),
            "good": counted(done, "good"),
        }
    )
    assert [await parts.run() for _ in range(5)] == [True, True, True, False, True]
    assert done == ["away", "taken to be away", "broken", "good", "away"]
    assert [(line.levelno, line.getMessage()) for line in caplog.records if line.levelno > logging.INFO] == [
        (logging.WARNING, "away waits for the next round: PoolTimeout"),
        (logging.WARNING, "taken to be away waits for the next round: Unavailable"),
        (logging.WARNING, "broken failed, and is tried again in the next round: IntegrityError"),
        (logging.ERROR, "unexpected IntegrityError None"),
        (logging.WARNING, "away waits for the next round: PoolTimeout"),
    ]
    assert "row values" not in caplog.text
