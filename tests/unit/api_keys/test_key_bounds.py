"""An API key loosens no bound of a key, and what it creates stays within its own."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api_keys.services.key_rights import inherited, require_no_looser
from apps.core.errors import NotAllowed
from tests.support.fakes import unsaved_key

pytestmark = pytest.mark.unit

END = datetime(2030, 1, 1, tzinfo=UTC)
BOUNDED: dict[str, Any] = {
    "scopes": ["a:*", "b"],
    "ip_allowlist": ["192.0.2.0/24", "2001:db8::/32"],
    "expires_at": END,
    "budget": Decimal(10),
}
NEW: dict[str, Any] = {
    "name": "k", "environment": "live", "ip_allowlist": [], "expires_at": None, "budget": None, "rate_limits": [],
}  # fmt: skip
MINUTE = {"name": "minute", "limit": 60, "period_seconds": 60}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "new", "description": "x", "metadata": {"a": 1}},
        {"scopes": []},
        {"scopes": ["a:read", "b"]},
        {"ip_allowlist": ["192.0.2.7/32", "2001:db8:1::/48"]},
        {"expires_at": END - timedelta(days=1)},
        {"expires_at": END, "budget": Decimal(10)},
        {"budget": Decimal(0)},
        {"is_active": False},
        {"is_active": True},
    ],
)
def test_a_key_may_tighten_bounds(changes):
    require_no_looser(unsaved_key(**BOUNDED), changes)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"scopes": ["a:*", "b", "c"]}, ["scopes"]),
        ({"scopes": ["b:*"]}, ["scopes"]),
        ({"ip_allowlist": []}, ["ip_allowlist"]),
        ({"ip_allowlist": ["192.0.2.0/23"]}, ["ip_allowlist"]),
        ({"ip_allowlist": ["192.0.2.7/32", "198.51.100.1/32"]}, ["ip_allowlist"]),
        ({"ip_allowlist": ["::/0"]}, ["ip_allowlist"]),
        ({"expires_at": None}, ["expires_at"]),
        ({"expires_at": END + timedelta(seconds=1)}, ["expires_at"]),
        ({"budget": None}, ["budget"]),
        ({"budget": Decimal("10.000001"), "expires_at": None}, ["expires_at", "budget"]),
    ],
)
def test_a_key_may_not_loosen_bounds(changes, fields):
    with pytest.raises(NotAllowed) as refusal:
        require_no_looser(unsaved_key(**BOUNDED), changes)
    assert [detail.field for detail in refusal.value.details] == fields


def test_a_key_may_not_activate_another():
    with pytest.raises(NotAllowed):
        require_no_looser(unsaved_key(is_active=False), {"is_active": True})


def test_without_bounds_there_is_nothing_to_loosen():
    require_no_looser(unsaved_key(), {"ip_allowlist": [], "expires_at": None, "budget": None})


def test_what_is_not_named_is_inherited():
    creator = unsaved_key(**BOUNDED, rate_limits=[MINUTE])
    assert inherited(creator, NEW, Decimal(4)) == {
        "name": "k",
        "environment": "live",
        "ip_allowlist": BOUNDED["ip_allowlist"],
        "expires_at": END,
        "budget": Decimal(6),
        "rate_limits": [MINUTE],
    }
    assert inherited(unsaved_key(), NEW, Decimal(0)) == NEW
    assert inherited(creator, NEW, Decimal(11))["budget"] == 0


def test_a_new_key_may_be_narrower_than_its_creator():
    narrower = {"ip_allowlist": ["192.0.2.1/32"], "expires_at": END - timedelta(days=1), "budget": Decimal(6)}
    made = inherited(unsaved_key(**BOUNDED), {**NEW, **narrower}, Decimal(4))
    assert {name: made[name] for name in narrower} == narrower


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ip_allowlist", ["0.0.0.0/0"]),
        ("expires_at", END + timedelta(days=1)),
        ("budget", Decimal("6.000001")),
    ],
)
def test_a_new_key_may_not_exceed_its_creator(field, value):
    with pytest.raises(NotAllowed) as refusal:
        inherited(unsaved_key(**BOUNDED), {**NEW, field: value}, Decimal(4))
    assert [detail.field for detail in refusal.value.details] == [field]


def test_a_test_key_creates_no_live_key():
    with pytest.raises(NotAllowed) as refusal:
        inherited(unsaved_key(environment="test"), NEW, Decimal(0))
    assert [detail.field for detail in refusal.value.details] == ["environment"]
    assert inherited(unsaved_key(), {**NEW, "environment": "test"}, Decimal(0))["environment"] == "test"


AMOUNTS = st.decimals(0, 100, places=2)


@given(budget=AMOUNTS, spent=AMOUNTS, wanted=st.none() | AMOUNTS)
def test_budgets_of_creator_and_created_key_never_exceed_what_was_left(budget, spent, wanted):
    try:
        made = inherited(unsaved_key(budget=budget), {**NEW, "budget": wanted}, spent)["budget"]
    except NotAllowed:
        return
    left = max(budget - spent, Decimal(0))
    assert 0 <= made <= left
