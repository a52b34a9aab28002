"""What an explanation says, in sentences."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from apps.api_keys.schemas.api_key import ApiKeyOut
from apps.core.values.amounts import amount_text
from apps.usage.schemas.call import reason_of
from apps.verification.domain import Code, Verdict, VerificationQuery
from apps.verification.services.explanation import CheckName, CheckResult

CHECK_LABELS = {
    "found": "Found",
    "enabled": "Enabled",
    "expiry": "Not expired",
    "owner": "Owner",
    "address": "Address",
    "scopes": "Scopes",
    "operation": "Operation",
    "rate_limits": "Rate limits",
    "budget": "Budget of the key",
    "balance": "Balance of the owner",
}


class Situation(NamedTuple):
    """The key, the call that is explained, and the balance of the key's owner, None if it is not shown."""

    key: ApiKeyOut
    call: VerificationQuery
    balance: Decimal | None


def answer_of(verdict: Verdict) -> str:
    """Return the verdict on a call in a sentence."""
    return "A call now would be allowed." if verdict.is_valid else f"A call now would be refused: {_refusal(verdict)}."


def sentence_of(check: CheckResult, situation: Situation) -> str:
    """Return what a check says about the call."""
    if check.passes:
        return PASSED[check.name](situation)
    reason = _refusal(check.verdict)
    return f"{reason[0].upper()}{reason[1:]}."


def _refusal(verdict: Verdict) -> str:
    reason = reason_of(verdict.code, verdict.detail)
    if verdict.code is not Code.RATE_LIMITED:
        return reason
    wait = verdict.retry_after_seconds
    if wait is None:
        return f"{reason} never allows a call of this weight"
    return f"{reason} is used up for {wait} more second{'' if wait == 1 else 's'}"


def _enabled(_situation: Situation) -> str:
    return "The key is enabled and not revoked."


def _expiry(situation: Situation) -> str:
    end = situation.key.expires_at
    return f"The key expires on {end:%Y-%m-%d} at {end:%H:%M} UTC." if end else "The key never expires."


def _owner(_situation: Situation) -> str:
    return "The owner is active."


def _address(situation: Situation) -> str:
    if not situation.key.ip_allowlist:
        return "Every address is allowed."
    return f"The address {situation.call.address} is on the allowlist."


def _scopes(situation: Situation) -> str:
    return "The key has every scope that the call needs." if situation.call.scopes else "The call needs no scope."


def _operation(situation: Situation) -> str:
    call = situation.call
    if not call.operation:
        return "The call names no operation, but its cost."
    return f"On this plan, {call.units:,} of {call.operation} cost {amount_text(call.cost)}."


def _rate_limits(_situation: Situation) -> str:
    return "No rate limit is used up."


def _budget(situation: Situation) -> str:
    budget, spent = situation.key.budget, situation.key.budget_spent
    if budget is None:
        return "The key has no budget."
    return f"Of its budget of {amount_text(budget)}, {amount_text(budget - spent)} are left."


def _balance(situation: Situation) -> str:
    covers = "covers the call" if situation.call.cost else "does not matter: the call costs nothing"
    amount = "" if situation.balance is None else f" of {amount_text(situation.balance)}"
    return f"The balance{amount} {covers}."


PASSED: Mapping[CheckName, Callable[[Situation], str]] = {
    "enabled": _enabled,
    "expiry": _expiry,
    "owner": _owner,
    "address": _address,
    "scopes": _scopes,
    "operation": _operation,
    "rate_limits": _rate_limits,
    "budget": _budget,
    "balance": _balance,
}
