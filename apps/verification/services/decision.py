"""The decision. Pure: no I/O, no clock, no Django; the same input gives the same verdicts."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from ipaddress import ip_network
from typing import Any

import orjson

from apps.core.authorization.scopes import missing_scopes
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.core.values.amounts import AMOUNT_MAXIMUM
from apps.core.values.ip_addresses import Network, is_within
from apps.verification.domain import (
    BatchEffects,
    BatchSnapshot,
    Code,
    KeyRecord,
    KeySpending,
    Verdict,
    VerificationQuery,
)
from apps.verification.services.key_limits import KeyLimits

NETWORKS_REMEMBERED = 4096
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND, MILLISECOND = timedelta(microseconds=1), timedelta(milliseconds=1)

Check = Callable[[KeyRecord, VerificationQuery, datetime], bool]


def decide(known: BatchSnapshot, questions: Sequence[VerificationQuery]) -> tuple[list[Verdict], BatchEffects]:
    """Return the verdict on each question, in their order, and what they use up.

    Questions are served in order of arrival; the first check that refuses names the verdict. A refusal consumes
    nothing, so a large call that is refused does not stand in the way of a small one after it. The same request made
    twice is answered twice and charged once.
    """
    batch = _Batch(known)
    verdicts = [batch.decide(question) for question in questions]
    return verdicts, batch.consequences()


def is_disabled(record: KeyRecord, _question: VerificationQuery, _now: datetime) -> bool:
    """Return whether the key was revoked or switched off."""
    return record.revoked_at is not None or not record.is_active


def is_expired(record: KeyRecord, _question: VerificationQuery, now: datetime) -> bool:
    """Return whether the key, or the grace of its rotated secret, has ended; the end itself is past it."""
    return (record.expires_at is not None and record.expires_at <= now) or (
        record.secret_expires_at is not None and record.secret_expires_at <= now
    )


def is_forbidden(record: KeyRecord, question: VerificationQuery, now: datetime) -> bool:
    """Return whether the owner may not act, or the call comes from an address that is not allowed."""
    return not owner_may_act(record, now) or not address_is_allowed(record, question)


def owner_may_act(record: KeyRecord, now: datetime) -> bool:
    """Return whether the key's owner is active and not locked out."""
    return record.owner_is_active and (record.owner_locked_until is None or record.owner_locked_until <= now)


def address_is_allowed(record: KeyRecord, question: VerificationQuery) -> bool:
    """Return whether the address is on the key's allowlist; an empty list allows all, an unknown address none."""
    return not record.ip_allowlist or is_within(question.address, [_network(text) for text in record.ip_allowlist])


def lacks_scopes(record: KeyRecord, question: VerificationQuery, _now: datetime) -> bool:
    """Return whether the call needs a scope that the key has not."""
    return bool(question.scopes) and bool(missing_scopes(record.scopes, question.scopes))


# These depend on the key and the call alone. Rate limits and credits follow: they depend on what earlier queries of the
# batch have left.
CHECKS: tuple[tuple[Code, Check], ...] = (
    (Code.DISABLED, is_disabled),
    (Code.EXPIRED, is_expired),
    (Code.FORBIDDEN, is_forbidden),
    (Code.INSUFFICIENT_SCOPES, lacks_scopes),
)


def refusal(record: KeyRecord, question: VerificationQuery, now: datetime) -> Code | None:
    """Return what refuses the call whatever was used before, or None."""
    for code, refuses in CHECKS:
        if refuses(record, question, now):
            return code
    return None


class _Batch:
    """What is left of everything as the batch goes on."""

    def __init__(self, known: BatchSnapshot) -> None:
        self._known = known
        microseconds = (known.now - EPOCH) // MICROSECOND
        self._now_ms, self._made_ms = microseconds // 1000, -(-microseconds // 1000)
        self._keys: dict[int, _Key] = {}
        self._balances: dict[int, Decimal] = {}
        self._answered: dict[tuple[int, str], Verdict] = {}
        self._consequences = BatchEffects()

    def decide(self, question: VerificationQuery) -> Verdict:
        record = self._known.records.get(question.digest)
        if record is None:
            return Verdict(Code.NOT_FOUND)
        if question.is_repeatable:
            return self._decide_once(record, question)
        return self._decide_known(record, question)

    def consequences(self) -> BatchEffects:
        self._consequences.spendings = [
            KeySpending(key_id, key.limits.stored(), key.spent) for key_id, key in self._keys.items() if key.is_used
        ]
        return self._consequences

    def _decide_once(self, record: KeyRecord, question: VerificationQuery) -> Verdict:
        name = (record.key_id, question.request_id)
        first_answer = self._known.first_answers.get(name)
        if first_answer is not None:
            return _repeated(record, first_answer)
        if name not in self._answered:
            self._answered[name] = self._decide_known(record, question)
        return self._answered[name]

    def _decide_known(self, record: KeyRecord, question: VerificationQuery) -> Verdict:
        code = refusal(record, question, self._known.now)
        if code is not None:
            return self._refuse(record, question, Verdict(code, record, balance=self._balance(record)))
        key = self._keys.get(record.key_id)
        if key is None:
            key = self._keys[record.key_id] = _Key(record, self._now_ms, self._made_ms)
        if question.weight and not key.limits.allow(question.weight):
            wait_ms = key.limits.wait_ms(question.weight)
            return self._refuse(record, question, self._verdict(Code.RATE_LIMITED, record, key, wait_ms))
        if question.cost and not self._can_pay(record, key, question.cost):
            return self._refuse(record, question, self._verdict(Code.INSUFFICIENT_CREDITS, record, key))
        if question.is_metered:
            self._use(record, key, question)
        return self._verdict(Code.VALID, record, key)

    def _can_pay(self, record: KeyRecord, key: "_Key", cost: Decimal) -> bool:
        # Without a budget, what the column holds: one key that cannot be written would fail its whole batch.
        budget = AMOUNT_MAXIMUM if record.budget is None else record.budget
        is_within_budget = key.spent + cost <= budget
        return is_within_budget and cost <= self._balance(record)

    def _use(self, record: KeyRecord, key: "_Key", question: VerificationQuery) -> None:
        key.is_used = True
        key.limits.use(question.weight)
        if question.cost:
            key.spent += question.cost
            self._balances[record.user_id] = self._balance(record) - question.cost
            debits = self._consequences.debits
            debits[record.user_id] = debits.get(record.user_id, Decimal(0)) + question.cost
        if question.is_recorded:
            self._consequences.calls.append((question, record))

    def _refuse(self, record: KeyRecord, question: VerificationQuery, verdict: Verdict) -> Verdict:
        if question.is_recorded and question.is_metered:
            denials, name = self._consequences.denials, (record.key_id, verdict.code)
            denials[name] = denials.get(name, 0) + 1
        return verdict

    def _verdict(self, code: Code, record: KeyRecord, key: "_Key", retry_after_ms: int | None = None) -> Verdict:
        return Verdict(code, record, key.limits.statuses(), self._balance(record), retry_after_ms)

    def _balance(self, record: KeyRecord) -> Decimal:
        return self._balances.get(record.user_id, record.balance)


def _repeated(record: KeyRecord, first_answer: str) -> Verdict:
    answer = orjson.loads(first_answer)
    rate_limits = [_status_of(fields) for fields in answer.get("rate_limits", ())]
    seconds = answer.get("retry_after_seconds")
    retry_after_ms = None if seconds is None else seconds * 1000
    return Verdict(Code(answer["code"]), record, rate_limits, None, retry_after_ms, first_answer)


def _status_of(fields: dict[str, Any]) -> RateLimitStatus:
    reset_at_ms = (datetime.fromisoformat(fields.pop("reset_at")) - EPOCH) // MILLISECOND
    return RateLimitStatus(**fields, reset_at_ms=reset_at_ms)


class _Key:
    """What a key has used as the batch goes on."""

    __slots__ = ("is_used", "limits", "spent")

    def __init__(self, record: KeyRecord, now_ms: int, made_ms: int) -> None:
        self.limits = KeyLimits(record, now_ms, made_ms)
        self.spent = record.budget_spent
        self.is_used = False


@lru_cache(maxsize=NETWORKS_REMEMBERED)
def _network(text: str) -> Network:
    return ip_network(text)
