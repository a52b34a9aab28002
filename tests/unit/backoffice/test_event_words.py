"""Audit events are put into words for people who do not know the names of actions."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apps.audit.domain.audit_entry import Outcome
from apps.audit.schemas.trail_event import TrailEventOut
from apps.backoffice.admin.event_words import actor_of, changes_of, is_failure, target_of, words_of

OWNER, STAFF = 5, 7


def event(**fields: Any) -> TrailEventOut:
    values: dict[str, Any] = {
        "id": 1, "occurred_at": datetime.now(UTC), "actor_id": OWNER, "actor_kind": "session",
        "actor_email": "ann@x.com", "subject_id": OWNER, "action": "user.updated",
        "outcome": Outcome.SUCCESS, "target_kind": "user",
        "target_id": OWNER, "reason": "", "before": {}, "after": {}, "ip_address": None, "user_agent": "",
        "request_id": "",
    }  # fmt: skip
    return TrailEventOut(**{**values, **fields})


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("session.started", "Signed in"),
        ("api_key.rotated", "API key rotated"),
        ("totp.added", "TOTP added"),
        ("webhook_endpoint.created", "Webhook endpoint created"),
    ],
)
def test_action_is_put_into_words(action: str, words: str):
    assert words_of(action) == words


@pytest.mark.parametrize(
    ("fields", "actor"),
    [
        ({}, "the owner"),
        ({"actor_kind": "api_key"}, "the owner, by an API key"),
        ({"actor_id": STAFF, "actor_email": "sue@x.com"}, "sue@x.com"),
        ({"actor_id": STAFF, "actor_email": None}, "account 7"),
        ({"actor_id": None, "actor_email": None}, "an anonymous client"),
        ({"actor_id": None, "actor_kind": "operator", "actor_email": None}, "the operator, by a command"),
    ],
)
def test_actor_is_seen_from_the_account(fields: dict[str, Any], actor: str):
    assert actor_of(event(**fields), OWNER) == actor


@pytest.mark.parametrize(
    ("kind", "target_id", "target"),
    [
        ("user", OWNER, ""),
        ("user", None, ""),
        ("user", 9, "account 9"),
        ("api_key", 3, "API key 3"),
        ("credit", None, "credit"),
    ],
)
def test_target_is_named_unless_it_is_the_account(kind: str, target_id: int | None, target: str):
    assert target_of(event(target_kind=kind, target_id=target_id), OWNER) == target


def test_changes_have_names_and_former_values():
    before = {"is_active": True, "full_name": "", "description": "old"}
    after = {
        "is_active": False,
        "full_name": "Ann",
        "ip_allowlist": [],
        "methods": ["pwd", "otp"],
        "user_id": 5,
        "note": "x" * 90,
    }
    assert changes_of(event(before=before, after=after), {}) == [
        "Active: yes → no",
        "Full name: none → Ann",
        "Methods: password, code",
        f"Note: {'x' * 80}…",
        "Description: old",
    ]


def test_plans_are_named():
    changed = event(before={"plan_id": 1}, after={"plan_id": 2})
    assert changes_of(changed, {1: "free", 2: "pro"}) == ["Plan: free → pro"]
    assert changes_of(changed, {2: "pro"}) == ["Plan: 1 (deleted) → pro"]
    assert changes_of(event(after={"plan_id": None}), {}) == []


def test_amounts_are_shown_as_on_other_pages():
    changed = event(before={"balance": "0.000000"}, after={"balance": "1250.500000", "version": "1.25"})
    assert changes_of(changed, {}) == ["Balance: 0.00 → 1,250.50", "Version: 1.25"]


@pytest.mark.parametrize(("action", "is_marked"), [("password.refused", True), ("account.locked", False)])
def test_refused_action_is_marked_unless_its_words_say_so(action: str, is_marked: bool):
    assert is_failure(event(action=action, outcome=Outcome.FAILURE)) is is_marked
    assert not is_failure(event(action=action))
