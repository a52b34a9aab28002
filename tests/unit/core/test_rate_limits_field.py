"""The form field for rate limits, one per line."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from apps.core.admin.form_fields import RateLimitsField, rate_limit_text

pytestmark = pytest.mark.unit

PERIODS = [(1, "second"), (5, "5 seconds"), (60, "minute"), (90, "90 seconds"), (7200, "2 hours"), (86400, "day")]


def rate_limit(name: str, limit: int, period_seconds: int) -> dict[str, object]:
    return {"name": name, "limit": limit, "period_seconds": period_seconds}


@pytest.mark.parametrize(("seconds", "text"), PERIODS)
def test_period_is_written_in_the_largest_unit(seconds, text):
    assert rate_limit_text(rate_limit("calls", 7, seconds)) == f"calls 7 per {text}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("minute 60 per 60", rate_limit("minute", 60, 60)),
        ("minute 60 per minute", rate_limit("minute", 60, 60)),
        ("minute  60 \t per 1minute", rate_limit("minute", 60, 60)),
        ("burst 10 PER 5 Seconds", rate_limit("burst", 10, 5)),
        ("burst 10 per 5s", rate_limit("burst", 10, 5)),
        ("blocked 0 per day", rate_limit("blocked", 0, 86400)),
        ("none 1 per 0 days", rate_limit("none", 1, 0)),
    ],
)
def test_line_is_parsed(line, expected):
    assert RateLimitsField().clean(f"\n  {line} \r\n\n") == [expected]


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
def test_invalid_lines_are_named(line):
    with pytest.raises(ValidationError) as error:
        RateLimitsField().clean(f"ok 1 per day\n{line}\n\n{line}")
    assert [message[:7] for message in error.value.messages] == ["Line 2:", "Line 3:"]


def test_empty_input_has_no_rate_limits():
    assert RateLimitsField().clean("") == RateLimitsField().clean(" \n ") == []


names = st.text("abcXYZ019_.-", min_size=1, max_size=50)
rate_limits = st.builds(rate_limit, names, st.integers(0, 10**12), st.integers(1, 366 * 86400))


@given(st.lists(rate_limits, max_size=10))
def test_displayed_rate_limits_round_trip(displayed):
    field = RateLimitsField()
    assert field.clean(field.prepare_value(displayed)) == displayed
    assert not field.has_changed(displayed, field.prepare_value(displayed))


def test_invalid_input_is_displayed_again():
    assert RateLimitsField().prepare_value("nonsense") == "nonsense"
