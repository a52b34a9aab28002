"""Audit events in words, for people who do not know the names of actions."""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.utils.text import capfirst

from apps.audit.domain.audit_entry import Outcome
from apps.audit.schemas.trail_event import TrailEventOut
from apps.core.authorization.principal import CredentialKind
from apps.core.declarations import audit_kinds
from apps.core.values.amounts import amount_text

# Of the actions whose names say too little. The others are words already: `api_key.rotated` is “API key rotated”.
WORDS = {
    "user.created": "Account created",
    "user.suspended": "Account suspended",
    "user.reactivated": "Account reactivated",
    "user.deleted": "Account deleted",
    "user.restored": "Account restored",
    "user.updated": "Account changed",
    "user.erased": "Personal data erased",
    "user.exported": "Personal data exported",
    "user.email_verified": "E-mail address verified",
    "user.email_change_asked": "Change of e-mail address requested",
    "user.email_change_cancelled": "Change of e-mail address cancelled",
    "user.email_changed": "E-mail address changed",
    "user.password_changed": "Password changed",
    "user.password_reset": "Password reset by a link",
    "user.plan_changed": "Plan changed",
    "user.verification_sent": "Link to verify the e-mail address sent",
    "password.refused": "Wrong password",
    "password.reset_asked": "Password reset requested",
    "password.reset_sent": "Password reset message sent",
    "account.locked": "Sign-in locked after wrong attempts",
    "account.unlocked": "Sign-in unlocked",
    "session.started": "Signed in",
    "session.proven": "Identity confirmed again",
    "session.refused": "Sign-in refused, although the credentials were right",
    "session.reuse_detected": "Session ended: a spent refresh token was presented again",
    "second_factor.asked": "Second factor requested at a sign-in",
    "second_factor.refused": "Wrong code of the second factor",
    "second_factors.reset": "All second factors removed",
    "passkey.cloned": "Copied passkey refused",
    "identity.left": "Identity moved to another account",
    "identity.refused": "Sign-in with another provider refused",
    "client.refused": "Secret of a key that cannot be used presented",
    "token.issued": "Key exchanged for a token",
}
# Their words say themselves that something was refused.
NEED_NO_MARK = frozenset({"account.locked", "session.refused", "passkey.cloned", "identity.refused"})
LOCKED_OUT = {"client": "one client", "strangers": "all unknown clients", "everybody": "all clients"}
METHODS = {"pwd": "password", "otp": "code", "hwk": "passkey", "swk": "passkey", "fed": "another provider"}
OWNER = "user_id"
EMPTY: tuple[Any, ...] = (None, "", [], {})
VALUE_LENGTH_MAXIMUM = 80

_amount = re.compile(r"-?[0-9]{1,14}\.[0-9]{6}", re.ASCII)


def words_of(action: str) -> str:
    """Return what was done."""
    words = WORDS.get(action) or action.replace(".", " ").replace("_", " ")
    return capfirst(words).replace("Api key", "API key").replace("Totp", "TOTP")


def actor_of(event: TrailEventOut, user_id: int) -> str:
    """Return who did it, seen from the account."""
    if event.actor_kind == CredentialKind.OPERATOR:
        return "the operator, by a command"
    if event.actor_id is None:
        return "an anonymous client"
    name = event.actor_email or f"account {event.actor_id}"
    if event.actor_id == user_id:
        name = "the owner"
    return f"{name}, by an API key" if event.actor_kind == CredentialKind.API_KEY else name


def target_of(event: TrailEventOut, user_id: int) -> str:
    """Return what it was done to, or an empty string for the account itself."""
    is_account = event.target_kind == "user" and event.target_id in (user_id, None)
    kind = audit_kinds().get(event.target_kind)
    label = "account" if event.target_kind == "user" else kind.label if kind else event.target_kind
    return "" if is_account else f"{label} {event.target_id or ''}".strip()


def changes_of(event: TrailEventOut, plans: Mapping[int, str]) -> list[str]:
    """Return each changed value with its name, and the former one if it is known; `plans` are names of plans by id."""
    before, after = (_with_plan(values, plans) for values in (event.before, event.after))
    return [_change(name, before, after) for name in _names(event)]


def methods_in_words(methods: Iterable[str]) -> str:
    """Return authentication methods (RFC 8176) in words, and other values as they are."""
    return ", ".join(METHODS.get(each, each) for each in methods)


def is_failure(event: TrailEventOut) -> bool:
    """Return whether the event is to be marked as refused."""
    return event.outcome is Outcome.FAILURE and event.action not in NEED_NO_MARK


def _with_plan(values: Mapping[str, Any], plans: Mapping[int, str]) -> Mapping[str, Any]:
    """Return the values with the name of the plan; one that was deleted has its number."""
    plan_id = values.get("plan_id")
    return values if plan_id is None else {**values, "plan_id": plans.get(plan_id, f"{plan_id} (deleted)")}


def _names(event: TrailEventOut) -> Iterator[str]:
    """Yield the names of the values that say something: what was empty from the beginning, and the owner, do not."""
    after = event.after.items()
    yield from (name for name, value in after if name in event.before or (value not in EMPTY and name != OWNER))
    yield from (name for name in event.before if name not in event.after)


def _change(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    label = capfirst(name.removesuffix("_id").removeprefix("is_").replace("_", " ")).replace("Ip ", "IP ")
    if name not in after:
        return f"{label}: {_value(before[name])}"
    old = f"{_value(before[name])} → " if name in before else ""
    return f"{label}: {old}{_value(after[name])}"


def _value(value: Any) -> str:
    match value:
        case True | False:
            return "yes" if value else "no"
        case str() if value in LOCKED_OUT:
            return LOCKED_OUT[value]
        case str() if _amount.fullmatch(value):
            return amount_text(Decimal(value))
        case list():
            text = methods_in_words(map(str, value))
        case _:
            text = "" if value in EMPTY else str(value)
    return "none" if not text else text if len(text) <= VALUE_LENGTH_MAXIMUM else f"{text[:VALUE_LENGTH_MAXIMUM]}…"
