"""Explains what a call would get now: the verdict, and what each check says on its own.

Pure, and by `decide` alone: for each check, it decides on a key that passes all others. So the checks cannot disagree
with verification.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal, NamedTuple

from apps.core.values.amounts import AMOUNT_MAXIMUM
from apps.verification.domain import BatchSnapshot, Code, KeyRecord, Purpose, Verdict, VerificationQuery
from apps.verification.services.decision import NO_COUNTERS, NOTHING, cost_of, decide

NO_RETRY = timedelta(0)

CheckName = Literal["enabled", "expiry", "owner", "address", "scopes", "operation", "rate_limits", "budget", "balance"]


class CheckResult(NamedTuple):
    """One check: its name, the code that it refuses calls with, and the verdict if all others pass."""

    name: CheckName
    code: Code
    verdict: Verdict

    @property
    def passes(self) -> bool:
        """Whether this check lets the call pass."""
        return self.verdict.is_valid


class Explanation(NamedTuple):
    """The verdict on a call, and the checks in the order in which they are made; none for a key that is not found."""

    verdict: Verdict
    checks: Sequence[CheckResult]


def explain(snapshot: BatchSnapshot, query: VerificationQuery) -> Explanation:
    """Return the verdict on the query, whose purpose is INSPECTION, and the result of each check."""
    verdict, record = _decided(snapshot, query), snapshot.records.get(query.digest)
    return Explanation(verdict, _checks(snapshot, record, query) if record else ())


def _checks(snapshot: BatchSnapshot, record: KeyRecord, query: VerificationQuery) -> list[CheckResult]:
    usable = record._replace(
        is_active=True,
        revoked_at=None,
        expires_at=None,
        secret_expires_at=None,
        owner_is_active=True,
        owner_locked_until=None,
        networks=(),
    )
    free = VerificationQuery(digest=query.digest, purpose=Purpose.INSPECTION, weight=0)
    priced = replace(free, operation=query.operation, units=query.units)
    paid = replace(free, cost=cost_of(record, query) or NOTHING)
    rich = replace(snapshot, balances={record.user_id: AMOUNT_MAXIMUM})
    unbounded = _without_budget(snapshot, record)
    unlimited = replace(unbounded, balances=rich.balances)
    expiring = usable._replace(expires_at=record.expires_at, secret_expires_at=record.secret_expires_at)
    owned = usable._replace(owner_is_active=record.owner_is_active, owner_locked_until=record.owner_locked_until)
    addressed = replace(free, address=query.address, has_unreadable_address=query.has_unreadable_address)
    changeable = usable._replace(is_active=record.is_active, revoked_at=record.revoked_at)
    return [
        CheckResult("enabled", Code.DISABLED, _on(snapshot, changeable, free)),
        CheckResult("expiry", Code.EXPIRED, _on(snapshot, expiring, free)),
        CheckResult("owner", Code.FORBIDDEN, _on(snapshot, owned, free)),
        CheckResult("address", Code.FORBIDDEN, _on(snapshot, usable._replace(networks=record.networks), addressed)),
        CheckResult("scopes", Code.INSUFFICIENT_SCOPES, _on(snapshot, usable, replace(free, scopes=query.scopes))),
        CheckResult("operation", Code.UNKNOWN_OPERATION, _on(unlimited, usable, priced)),
        CheckResult("rate_limits", Code.RATE_LIMITED, _on(snapshot, usable, replace(free, weight=query.weight))),
        CheckResult("budget", Code.INSUFFICIENT_CREDITS, _on(rich, usable, paid)),
        CheckResult("balance", Code.INSUFFICIENT_CREDITS, _on(unbounded, usable, paid)),
    ]


def _without_budget(snapshot: BatchSnapshot, record: KeyRecord) -> BatchSnapshot:
    counters = snapshot.counters.get(record.key_id, NO_COUNTERS)
    return replace(snapshot, counters={record.key_id: counters._replace(budget=None, budget_spent=NOTHING)})


def _on(snapshot: BatchSnapshot, record: KeyRecord, query: VerificationQuery) -> Verdict:
    return _decided(replace(snapshot, records={record.digest: record}), query)


def _decided(snapshot: BatchSnapshot, query: VerificationQuery) -> Verdict:
    ((decided,), _) = decide(snapshot, [query], NO_RETRY)
    if isinstance(decided, Verdict):
        return decided
    raise decided  # of a reused request id, which an inspection has none of
