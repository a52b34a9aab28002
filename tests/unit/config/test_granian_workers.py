"""The limits of workers: a few deaths are tolerated, a crash loop is not, and each may open enough connections."""

import resource
import time
from itertools import count

import pytest

from config.management.commands.serve import allow_open_files
from config.serving.granian_workers import DEATHS_MAXIMUM, DEATHS_SECONDS, WorkerDeaths

pytestmark = pytest.mark.unit

LONG_AGO, STARTED = 0, 1000.0


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> WorkerDeaths:
    ticks = count(1001)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(ticks)))
    record = WorkerDeaths()
    record[0] = STARTED
    return record


def test_quick_deaths_are_tolerated_up_to_the_maximum(deaths: WorkerDeaths):
    assert [deaths.get(0, LONG_AGO) for _ in range(DEATHS_MAXIMUM)] == [LONG_AGO] * DEATHS_MAXIMUM
    assert deaths.get(0, LONG_AGO) == STARTED


def test_old_deaths_are_not_counted(deaths: WorkerDeaths, monkeypatch: pytest.MonkeyPatch):
    for _ in range(DEATHS_MAXIMUM + 1):
        deaths.get(0, LONG_AGO)
    later = STARTED + DEATHS_SECONDS + DEATHS_MAXIMUM + 10
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert deaths.get(0, LONG_AGO) == LONG_AGO


def test_clearing_does_not_reset_the_count(deaths: WorkerDeaths):
    # granian clears its record at each death.
    for _ in range(DEATHS_MAXIMUM):
        deaths.get(0, LONG_AGO)
        deaths.clear()
        deaths[0] = STARTED
    assert deaths.get(0, LONG_AGO) == STARTED


@pytest.mark.parametrize(
    ("limits", "set_to", "is_logged"),
    [
        ((1024, 524288), (1536, 524288), False),
        ((1024, resource.RLIM_INFINITY), (1536, resource.RLIM_INFINITY), False),
        ((1024, 1200), (1200, 1200), True),
        ((4096, 4096), None, False),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), None, False),
    ],
)
def test_limit_of_open_files_is_raised_as_far_as_allowed(monkeypatch, caplog, limits, set_to, is_logged):
    changes = []
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, chosen: changes.append(chosen))
    allow_open_files(1536)
    assert changes == ([set_to] if set_to else [])
    assert ("CONNECTIONS_MAXIMUM" in caplog.text) == is_logged
