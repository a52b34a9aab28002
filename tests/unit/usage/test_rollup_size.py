"""A rollup adds as many events at once as take about two seconds."""

import pytest

from apps.usage.services.usage_rollups import EVENTS_MAXIMUM, EVENTS_MINIMUM, next_maximum

pytestmark = pytest.mark.unit


def test_size_follows_the_time_that_a_part_takes():
    assert next_maximum(100_000, 0.5) == 200_000
    assert next_maximum(100_000, 2) == 100_000
    assert next_maximum(100_000, 5) == 50_000


def test_size_has_bounds():
    assert next_maximum(EVENTS_MAXIMUM, 0) == EVENTS_MAXIMUM
    assert next_maximum(EVENTS_MINIMUM, 60) == EVENTS_MINIMUM
