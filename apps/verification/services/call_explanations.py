"""Explains single calls by their request ids, from what is stored of them."""

from collections.abc import Mapping

from apps.core.authorization.catalogue import CREDITS_READ
from apps.core.authorization.principal import Principal
from apps.core.errors import NotFound
from apps.credits.services.credit_service import CreditService
from apps.usage.schemas.call import Call
from apps.verification.domain import Code, Detail
from apps.verification.schemas.explained_call import (
    Charge,
    ExplainedCall,
    ExplainedRequest,
    MadeCheck,
    MadeCheckName,
)
from apps.verification.services.call_search import CallSearch

# In the order in which verification makes them, with what each asks.
CHECKS: Mapping[MadeCheckName, str] = {
    "found": "A key has this secret.",
    "enabled": "The key is enabled and not revoked.",
    "expiry": "The key has not expired.",
    "owner": "The owner is active.",
    "address": "The address is allowed.",
    "scopes": "The key has every scope that the call needs.",
    "operation": "The plan has a price for the operation, if the call names one.",
    "rate_limits": "No rate limit is used up.",
    "budget": "The key's budget covers the call.",
    "balance": "The balance covers the call.",
}
# Which check refuses with a code: the only one, or the one that its detail names.
REFUSING: Mapping[str, MadeCheckName] = {
    Code.NOT_FOUND: "found",
    Code.DISABLED: "enabled",
    Code.EXPIRED: "expiry",
    Code.INSUFFICIENT_SCOPES: "scopes",
    Code.UNKNOWN_OPERATION: "operation",
    Code.RATE_LIMITED: "rate_limits",
}
REFUSING_BY_DETAIL: Mapping[str | None, MadeCheckName] = {
    Detail.OWNER_SUSPENDED: "owner",
    Detail.OWNER_LOCKED: "owner",
    Detail.ADDRESS_NOT_ALLOWED: "address",
    Detail.ADDRESS_UNREADABLE: "address",
    Detail.BUDGET: "budget",
    Detail.BALANCE: "balance",
}
OF_ALLOWED = "The scopes, the address and the rate limits of an allowed call are not stored."
OF_RESPONSE = "What the call asked for is not stored any more: only its response is."
OF_OLD_REFUSAL = "Which of the checks refused the call is not stored."


class CallExplanations:
    """Explains calls to the owner of their keys, and to staff who may read keys."""

    def __init__(self, calls: CallSearch, credits_of_accounts: CreditService) -> None:
        self._calls = calls
        self._credits = credits_of_accounts

    async def explain(self, actor: Principal, request_id: str) -> ExplainedRequest:
        """Return the calls with this request id. Raises NotFound if none is stored, and as `CallSearch.find` does."""
        found = await self.find(actor, request_id)
        if not found:
            raise NotFound("No call with this request id is stored. Calls are kept for a limited time.")
        return ExplainedRequest(request_id=request_id, calls=found)

    async def find(self, actor: Principal, request_id: str) -> list[ExplainedCall]:
        """Return the calls as `explain` does, none if none is stored."""
        return [await self._explained(actor, call) for call in await self._calls.find(actor, request_id)]

    async def _explained(self, actor: Principal, call: Call) -> ExplainedCall:
        return ExplainedCall(
            **dict(call),
            sentence=_sentence(call),
            checks=made_checks(call),
            charge=await self._charge(actor, call),
            not_kept=_not_kept(call),
        )

    async def _charge(self, actor: Principal, call: Call) -> Charge | None:
        if call.credit_transaction_id is None or call.user_id is None or call.cost is None:
            return None
        entry = None
        if actor.may_read(call.user_id, CREDITS_READ):
            entry = await self._credits.entry(call.user_id, call.credit_transaction_id)
        return Charge(
            amount=call.cost,
            credit_transaction_id=call.credit_transaction_id,
            entry_amount=-entry.amount if entry else None,
            balance_after=entry.balance_after if entry else None,
        )


def made_checks(call: Call) -> list[MadeCheck]:
    """Return the checks up to the one that refused the call as they were decided, and the others as not made.

    None is known to be passed or failed if the code and the detail do not say which of them refused the call.
    """
    names = list(CHECKS)
    refusing = _refusing(call)
    if call.is_allowed:
        made = len(names)
    else:
        made = names.index(refusing) if refusing else names.index("owner") if call.code == Code.FORBIDDEN else 0
    return [
        MadeCheck(name=name, passed=True, sentence=CHECKS[name])
        if number < made
        else MadeCheck(name=name, passed=False, sentence=_reason(call))
        if name == refusing
        else MadeCheck(name=name, passed=None, sentence="Not made." if refusing else "Not known.")
        for number, name in enumerate(names)
    ]


def _refusing(call: Call) -> MadeCheckName | None:
    return None if call.is_allowed else REFUSING.get(call.code) or REFUSING_BY_DETAIL.get(call.detail)


def _sentence(call: Call) -> str:
    return "The call was allowed." if call.is_allowed else f"The call was refused: {call.reason or call.code}."


def _reason(call: Call) -> str:
    reason = call.reason or call.code
    return f"{reason[0].upper()}{reason[1:]}."


def _not_kept(call: Call) -> list[str]:
    if call.is_allowed:
        return [OF_ALLOWED]
    unknown = [] if _refusing(call) else [OF_OLD_REFUSAL]
    return unknown + ([] if call.weight is not None else [OF_RESPONSE])
