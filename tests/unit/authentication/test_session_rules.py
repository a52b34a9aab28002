"""The rules of sessions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.authentication.domain.refresh_token import new_family
from apps.authentication.domain.session_rules import (
    ROTATIONS_MAXIMUM,
    RefreshHistory,
    SessionLifetime,
    is_known_device,
    principal_of,
)
from tests.unit.authentication.fakes import one_session

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def history(*seconds_ago: float) -> RefreshHistory:
    """Return that of a session at generation 20, whose last tokens were spent so long ago."""
    return RefreshHistory(20, tuple(NOW - timedelta(seconds=seconds) for seconds in seconds_ago), NOW)


@pytest.mark.parametrize(
    ("seconds_ago", "generation", "may_retry"),
    [
        ((0,), 19, True),
        ((9.9,), 19, True),
        ((10,), 19, False),
        ((12, 3), 19, True),
        ((12, 3), 18, False),
        ((9, 3), 18, True),
        ((9, 3), 17, False),
        ((9, 3), 20, False),
        ((9, 3), 21, False),
        ((9, 3), 0, False),
        ((), 19, False),
    ],
)
def test_token_may_be_retried_within_ten_seconds_of_being_spent(seconds_ago, generation, may_retry):
    assert history(*seconds_ago).may_retry(generation) is may_retry


def test_history_keeps_recent_rotations_up_to_a_maximum():
    assert history(30, 10, 9, 1).recent() == list(history(9, 1).spent_at)
    many = history(*[9 - number / 10 for number in range(40)])
    assert many.recent() == list(many.spent_at[-ROTATIONS_MAXIMUM:])


def test_history_of_a_session_ends_with_its_last_rotation():
    session: Any = one_session(new_family().family_digest)
    assert RefreshHistory.of(session).spent_at == ()
    session.generation, session.rotated_at, session.earlier_rotations = 2, NOW, [NOW - timedelta(seconds=5)]
    assert RefreshHistory.of(session) == RefreshHistory(2, (NOW - timedelta(seconds=5), NOW), session.database_now)


@pytest.mark.parametrize(
    ("address", "addresses", "is_known"),
    [
        ("192.0.2.1", ["192.0.2.250"], True),
        ("192.0.2.1", ["198.51.100.1", None], False),
        ("192.0.2.1", [], False),
        ("2001:db8:1::1", ["2001:db8:1:ffff::9"], True),
        (None, [None], True),
        (None, ["192.0.2.1"], False),
    ],
)
def test_device_is_known_by_its_network(address, addresses, is_known):
    assert is_known_device(address, addresses) is is_known


def test_lifetime_is_named_in_seconds():
    assert SessionLifetime.of_seconds(60, 3600) == SessionLifetime(timedelta(minutes=1), timedelta(hours=1))


@pytest.mark.parametrize(("methods", "is_staff"), [(["pwd"], False), (["pwd", "otp"], True)])
def test_staff_rights_need_a_second_factor_where_it_is_required(settings, methods, is_staff):
    settings.REQUIRE_STAFF_SECOND_FACTOR = True
    session: Any = one_session(new_family().family_digest)
    session.methods, session.user.is_staff, session.user.is_superuser = methods, True, True
    principal = principal_of(session)
    assert (principal.is_staff, principal.is_superuser, principal.lacks_second_factor) == (
        is_staff, is_staff, not is_staff,
    )  # fmt: skip
