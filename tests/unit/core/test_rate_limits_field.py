"""Windows written one a line."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from apps.core.admin.rate_limits_field import RateLimitsField, rate_limit_text

pytestmark = pytest.mark.unit

PERIODS = [(1, "second"), (5, "5 seconds"), (60, "minute"), (90, "90 seconds"), (7200, "2 hours"), (86400, "day")]


def window(name: str, limit: int, period_seconds: int) -> dict[str, object]:
    return {"name": name, "limit": limit, "period_seconds": period_seconds}


@pytest.mark.parametrize(("seconds", "words"), PERIODS)
def test_a_period_is_shown_in_the_largest_unit_that_fits(seconds, words):
    assert rate_limit_text(window("calls", 7, seconds)) == f"calls 7 per {words}"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("minute 60 per 60", window("minute", 60, 60)),
        ("minute 60 per minute", window("minute", 60, 60)),
        ("minute  60 \t per 1minute", window("minute", 60, 60)),
        ("burst 10 PER 5 Seconds", window("burst", 10, 5)),
        ("burst 10 per 5s", window("burst", 10, 5)),
        ("shut 0 per day", window("shut", 0, 86400)),
        ("none 1 per 0 days", window("none", 1, 0)),
    ],
)
def test_reads_a_line(line, found):
    assert RateLimitsField().clean(f"\n  {line} \r\n\n") == [found]


@pytest.mark.parametrize(
    "line",
    [
        "minute",
        "minute 60",
        "minute 60 per",
        "minute 60 per s",
        "minute 60 per month",
        "60 per minute",
        "minute -1 per minute",
        "minute 1.5 per minute",
        "minute 1e3 per minute",
        "minute ٦ per minute",
        "per minute 60 per minute",
        "minute " + "9" * 19 + " per minute",
        "minute 60 per " + "9" * 5000,
        "minute 60 per minute, hour 600 per hour",
    ],
    ids=lambda line: line[:40],
)
def test_names_the_lines_that_say_no_window(line):
    with pytest.raises(ValidationError) as refusal:
        RateLimitsField().clean(f"ok 1 per day\n{line}\n\n{line}")
    assert [message[:7] for message in refusal.value.messages] == ["Line 2:", "Line 3:"]


def test_nothing_is_no_window():
    assert RateLimitsField().clean("") == RateLimitsField().clean(" \n ") == []


names = st.text("abcXYZ019_.-", min_size=1, max_size=50)
windows = st.builds(window, names, st.integers(0, 10**12), st.integers(1, 366 * 86400))


@given(st.lists(windows, max_size=10))
def test_what_is_shown_is_read_as_it_was(shown):
    field = RateLimitsField()
    assert field.clean(field.prepare_value(shown)) == shown
    assert not field.has_changed(shown, field.prepare_value(shown))


def test_what_was_written_is_shown_again():
    assert RateLimitsField().prepare_value("nonsense") == "nonsense"
