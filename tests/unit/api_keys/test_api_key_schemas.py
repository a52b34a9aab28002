"""The schemas of API keys."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from apps.api_keys.schemas.api_key import (
    ApiKeyCreate,
    ApiKeyOut,
    ApiKeyRevoke,
    ApiKeyRotate,
    ApiKeyUpdate,
    ApiKeyWithSecret,
)
from tests.support.fakes import unsaved_key

pytestmark = pytest.mark.unit


def create(**fields: Any) -> ApiKeyCreate:
    return ApiKeyCreate.model_validate({"name": "key", **fields})


def refused(kind: Any, **fields: Any) -> set[str]:
    with pytest.raises(ValidationError) as refusal:
        kind.model_validate(fields)
    return {str(problem["loc"][0]) for problem in refusal.value.errors()}


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def test_a_name_is_enough():
    assert create().model_dump() == {
        "reason": "",
        "name": "key",
        "description": "",
        "environment": "live",
        "scopes": [],
        "expires_at": None,
        "ip_allowlist": [],
        "metadata": {},
        "rate_limits": [],
        "budget": None,
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("name", "a\x00"),
        ("name", None),
        ("description", "x" * 1001),
        ("environment", "prod"),
        ("environment", "LIVE"),
        ("scopes", "a:b"),
        ("scopes", [""]),
        ("scopes", ["a b"]),
        *[("scopes", [text]) for text in ("*", ":", "a:", ":a", "a::b", "a:*:b", "a*", "a:b*", "ä", "a,b", "a:**")],
        ("scopes", ["a:b\n"]),
        ("scopes", ["x" * 101]),
        ("scopes", [f"s{number}" for number in range(51)]),
        ("expires_at", "2020-01-01T00:00:00Z"),
        ("expires_at", "2099-01-01T00:00:00"),
        ("expires_at", 4_000_000_000),
        ("ip_allowlist", ["192.0.2.256"]),
        ("ip_allowlist", ["example.com"]),
        ("ip_allowlist", [""]),
        ("ip_allowlist", [5]),
        ("ip_allowlist", ["2001:db8::/129"]),
        ("ip_allowlist", ["192.0.2.0/24\x00"]),
        ("ip_allowlist", ["fe80::1%eth0"]),
        ("ip_allowlist", ["fe80::%1/64"]),
        ("ip_allowlist", ["::ffff:192.0.2.0/95"]),
        ("ip_allowlist", ["::ffff:0:0/95"]),
        ("ip_allowlist", ["::/80"]),
        ("ip_allowlist", ["::/1"]),
        ("ip_allowlist", [f"192.0.2.{number}" for number in range(101)]),
        ("metadata", []),
        ("metadata", "{}"),
        ("metadata", None),
        ("user_id", 5),
        ("is_active", False),
        ("api_key", "sk_live_mine"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_malformed_keys_are_rejected(field, value):
    assert refused(ApiKeyCreate, **{"name": "key", field: value}) == {field}


@pytest.mark.parametrize(
    ("given_network", "stored"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        (" 192.0.2.0/24 ", "192.0.2.0/24"),
        ("2001:DB8:0:0::1", "2001:db8::1/128"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("::/96", "::/96"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
    ],
)
def test_networks_are_stored_in_one_spelling(given_network, stored):
    assert create(ip_allowlist=[given_network]).ip_allowlist == [stored]


def test_duplicates_are_dropped_in_order():
    assert create(scopes=["b", "a", "b"]).scopes == ["b", "a"]
    assert create(ip_allowlist=["192.0.2.1", "192.0.2.1/32", "192.0.2.0"]).ip_allowlist == [
        "192.0.2.1/32",
        "192.0.2.0/32",
    ]


def test_an_expiry_is_in_the_future():
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert create(expires_at=tomorrow.isoformat()).expires_at == tomorrow


@pytest.mark.parametrize(
    "metadata",
    [
        {"a": [1, 2.5, None, True, {"b": "é"}]},
        {"big": 2**64 - 1, "small": -(2**63)},
        {"text": r"a literal \u0000 is no NUL"},
        nested(32),
        {"a": "x" * 4086},
    ],
    ids=["mixed", "numbers", "backslash", "deep", "long"],
)
def test_metadata_is_accepted(metadata):
    assert create(metadata=metadata).metadata == metadata


@pytest.mark.parametrize(
    "metadata",
    [
        {"a": "x" * 4089},
        {"a": "é" * 2044 + "x"},
        {"a": "\x00"},
        {"\x00": 1},
        {"a": [{"b": "c\x00"}]},
        nested(33),
        nested(300),
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": 1e30},
        {"a": [-1e19]},
        {"a": 2**64},
        {"a": -(2**63) - 1},
    ],
    ids=lambda value: repr(value)[:20] + str(len(repr(value))),
)
def test_metadata_that_cannot_be_stored_is_rejected(metadata):
    assert "metadata" in refused(ApiKeyCreate, name="key", metadata=metadata)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


@given(metadata=st.dictionaries(st.text(max_size=5), json_values, max_size=4))
def test_accepted_metadata_can_be_written_as_json(metadata):
    try:
        taken = create(metadata=metadata).metadata
    except ValidationError:
        return
    assert orjson.loads(orjson.dumps(taken)) == metadata


def test_a_change_holds_only_what_was_sent():
    assert ApiKeyUpdate.model_validate({}).model_fields_set == set()
    assert ApiKeyUpdate.model_validate({"expires_at": None}).model_fields_set == {"expires_at"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[
            (name, None)
            for name in ("name", "description", "scopes", "ip_allowlist", "metadata", "is_active", "rate_limits")
        ],
        ("is_active", "true"),
        ("is_active", 0),
        ("environment", "test"),
        ("user_id", 1),
        ("revoked_at", None),
    ],
)
def test_malformed_changes_are_rejected(field, value):
    assert refused(ApiKeyUpdate, **{field: value}) == {field}


@pytest.mark.parametrize("seconds", [0, 1, 90 * 24 * 3600])
def test_a_grace_period_is_accepted(seconds):
    assert ApiKeyRotate.model_validate({"grace_seconds": seconds}).grace_seconds == seconds


@pytest.mark.parametrize("seconds", [-1, 90 * 24 * 3600 + 1, 2**63, "60", 1.5, True, None])
def test_a_malformed_grace_period_is_rejected(seconds):
    assert refused(ApiKeyRotate, grace_seconds=seconds) == {"grace_seconds"}


def test_a_reason_is_short_text():
    assert ApiKeyRevoke.model_validate({"reason": " leaked "}).reason == "leaked"
    assert ApiKeyRevoke.model_validate({}).reason == ""
    assert refused(ApiKeyRevoke, reason="x" * 201) == {"reason"}
    assert refused(ApiKeyRevoke, reason="a\x00") == {"reason"}


def test_a_key_is_shown_without_its_secret():
    out = ApiKeyOut.of(unsaved_key(5, 3), frozenset())
    assert (out.id, out.user_id, out.prefix) == (5, 3, "sk_live_abcd")
    assert "api_key" not in out.model_dump()
    assert out.model_dump()["created_at"] == "2020-01-01T00:00:00Z"
    assert ApiKeyWithSecret.of(unsaved_key(5, 3), frozenset(), api_key="sk_live_secret").api_key == "sk_live_secret"
