"""Says what a call of a key would get now, and why, without using anything up."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_network

import orjson

from apps.api_keys.schemas.api_key import ApiKeyOut
from apps.api_keys.services.api_key_service import ApiKeyService
from apps.api_keys.services.key_secrets import KeySecrets
from apps.core.authorization.catalogue import CREDITS_READ
from apps.core.authorization.principal import Principal
from apps.core.errors import NotFound
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.core.values.ip_addresses import parse_address
from apps.verification.domain import BatchSnapshot, KeyRecord, Purpose, VerificationQuery
from apps.verification.repositories.decision_repository import DecisionRepository
from apps.verification.schemas.explanation import CallToExplain, EffectiveRateLimit, ExplainedCheck, KeyExplanation
from apps.verification.services.decision import cost_of
from apps.verification.services.explanation import CheckResult, Explanation, explain
from apps.verification.services.explanation_sentences import Situation, answer_of, sentence_of

NOTHING = Decimal(0)


class KeyExplanations:
    """Explains keys to their owners, and to staff who may read them.

    The owner's balance is left out for staff who may not read balances; whether it covers the call is not. Reads what a
    batch reads, at one moment and without locks, so that no call waits for it.
    """

    def __init__(self, keys: ApiKeyService, secrets: KeySecrets, decisions: DecisionRepository) -> None:
        self._keys = keys
        self._secrets = secrets
        self._decisions = decisions

    async def explain(self, actor: Principal, key_id: int, call: CallToExplain) -> KeyExplanation:
        """Return what the call would get now, with the key's newest secret.

        Raises NotFound, NotAllowed for another account's key, Unavailable.
        """
        key = await self._keys.get(actor, key_id)
        query = _query_of((await self._secrets.newest(key_id)).digest, key, call)
        async with self._decisions.open_batch([query]) as opened:
            snapshot = opened.snapshot
        record = snapshot.records.get(query.digest)
        if record is None:  # deleted meanwhile
            raise NotFound
        shows_balance = actor.may_read(record.user_id, CREDITS_READ)
        return _shown(key, record, snapshot, query, shows_balance=shows_balance)


def _query_of(digest: bytes, key: ApiKeyOut, call: CallToExplain) -> VerificationQuery:
    text = str(ip_network(key.ip_allowlist[0])[0]) if call.ip is None and key.ip_allowlist else call.ip
    address = None if text is None else parse_address(text)
    return VerificationQuery(
        digest=digest,
        purpose=Purpose.INSPECTION,
        cost=call.cost,
        operation=call.operation or "",
        units=call.units,
        weight=call.weight,
        scopes=tuple(call.scopes),
        address=address,
        has_unreadable_address=address is None and text is not None,
    )


def _shown(
    key: ApiKeyOut, record: KeyRecord, snapshot: BatchSnapshot, query: VerificationQuery, *, shows_balance: bool
) -> KeyExplanation:
    explained = explain(snapshot, query)
    balance = snapshot.balances.get(record.user_id, NOTHING) if shows_balance else None
    verdict, cost = explained.verdict, cost_of(record, query)
    situation = Situation(key, replace(query, cost=cost or NOTHING), balance)
    return KeyExplanation(
        key_id=record.key_id,
        user_id=record.user_id,
        valid=verdict.is_valid,
        code=verdict.code,
        detail=verdict.detail,
        sentence=answer_of(verdict),
        retry_after_seconds=verdict.retry_after_seconds,
        checks=[_check(check, sentence_of(check, situation)) for check in explained.checks],
        cost=cost,
        plan=orjson.loads(b"{%s}" % record.properties)["plan"],
        scopes=list(record.scopes),
        ip_allowlist=key.ip_allowlist,
        expires_at=record.expires_at,
        rate_limits=_rate_limits(explained, key),
        budget=key.budget,
        budget_spent=key.budget_spent,
        balance=balance,
    )


def _check(check: CheckResult, sentence: str) -> ExplainedCheck:
    detail = check.verdict.detail
    return ExplainedCheck(name=check.name, code=check.code, passed=check.passes, detail=detail, sentence=sentence)


def _rate_limits(explained: Explanation, key: ApiKeyOut) -> list[EffectiveRateLimit]:
    own = {limit.name for limit in key.rate_limits}
    (checked,) = (check.verdict for check in explained.checks if check.name == "rate_limits")
    return [_effective(status, is_own=status.name in own) for status in checked.rate_limits]


def _effective(status: RateLimitStatus, *, is_own: bool) -> EffectiveRateLimit:
    return EffectiveRateLimit(
        name=status.name,
        limit=status.limit,
        period_seconds=status.period_seconds,
        remaining=status.remaining,
        reset_at=datetime.fromtimestamp(status.reset_at_ms / 1000, UTC),
        source="key" if is_own else "plan",
    )
