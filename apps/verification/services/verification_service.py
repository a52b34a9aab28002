"""Verifies whether API keys may make calls."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from time import monotonic

from apps.api_keys.services.key_format import digest_of, is_well_formed
from apps.core.authorization.principal import Principal
from apps.core.errors import DomainError, ErrorDetail, InsufficientScopes, Unavailable
from apps.core.request_context import new_request_id
from apps.core.values.ip_addresses import parse_address
from apps.usage.domain.calls import UNKNOWN_ID, RefusedCall
from apps.usage.services.refusal_samples import RefusalSamples
from apps.usage.services.unknown_key_counts import UnknownKeyCounts
from apps.verification.domain import (
    BatchEffects,
    BatchSnapshot,
    Caller,
    IdempotencyKey,
    IdempotencyRecord,
    Purpose,
    Verdict,
    VerificationQuery,
    caller_name_in,
    caller_name_of_key,
    caller_name_of_user,
    idempotency_key_of,
)
from apps.verification.repositories.decision_repository import DecisionRepository, RowsLocked, StatementsOutdated
from apps.verification.schemas.verification import VerifyRequest, VerifyResponse, response_json
from apps.verification.services.batcher import Batcher, Pending
from apps.verification.services.caller_authorization import refused_callers
from apps.verification.services.decision import Decided, decide
from apps.verification.services.idempotency import RequestIdReused, fingerprint_of

RETRY_PERIOD = timedelta(minutes=1)
# For how long the queries about a customer are batches of their own, after a batch has waited for its lock in vain.
BUSY_SECONDS = 5.0

type PendingQuery = Pending[VerificationQuery, Verdict]
type Result = Verdict | Exception
DISCONNECTED = Unavailable("The client has disconnected.")


class KeyBusy(Unavailable):
    """Another transaction has locked the counters of the key or the balance of its owner for too long."""

    message = "The API key is being changed. Retry shortly."


class VerificationService:
    """Decides queries in batches: those that use counters in one transaction per batch, the others on committed rows.

    The others take no locks, and wait neither for a lock nor for a commit. Queries about customers whose rows were
    locked for too long are batches of their own for a while, so that no others wait with them. A retry with the same
    `request_id` gets the first response for `retry_period`. Refused calls are handed to `samples` and `unknown_keys`
    once their batch is committed.
    """

    def __init__(
        self,
        decisions: DecisionRepository,
        retry_period: timedelta = RETRY_PERIOD,
        samples: RefusalSamples | None = None,
        unknown_keys: UnknownKeyCounts | None = None,
    ) -> None:
        self._decisions = decisions
        self._samples = samples
        self._unknown_keys = unknown_keys
        self._retry_period = retry_period
        self._locking: Batcher[VerificationQuery, Verdict] = Batcher(self._decide_locking)
        self._contended: Batcher[VerificationQuery, Verdict] = Batcher(self._decide_locking)
        self._reading: Batcher[VerificationQuery, Verdict] = Batcher(self._decide_reading)
        self._busy_until: dict[int, float] = {}  # by customer

    async def verify(
        self, caller: Principal, request: VerifyRequest, purpose: Purpose = Purpose.METERED
    ) -> VerifyResponse:
        """Return the verdict for a caller who may verify keys; the effects of a VALID metered query are committed.

        Raises RequestIdReused, Unavailable.
        """
        query = self.query_of(request.key.get_secret_value(), request, purpose, caller_name=_name_of(caller))
        return VerifyResponse.of(await self.decide(query), query.request_id)

    async def verify_all(self, caller: Principal, requests: Sequence[VerifyRequest]) -> list[VerifyResponse]:
        """Return the verdicts, in the order of the requests.

        Raises RequestIdReused, which names the request, or Unavailable when one of them cannot be decided. The others
        are decided, and may be retried with the same `request_id`.
        """
        verified = await asyncio.gather(*(self.verify(caller, request) for request in requests), return_exceptions=True)
        for number, each in enumerate(verified):
            if isinstance(each, RequestIdReused):
                raise RequestIdReused(details=[ErrorDetail(f"items.{number}.request_id", each.public_message)])
            if isinstance(each, BaseException):
                raise each
        return [each for each in verified if not isinstance(each, BaseException)]

    def query_of(
        self,
        key: str,
        request: VerifyRequest,
        purpose: Purpose = Purpose.METERED,
        *,
        caller: Caller | None = None,
        caller_name: str = "",
    ) -> VerificationQuery:
        """Return the query whether `key` may make the call of the request, whatever key that names.

        Its caller is authorized with it, or has been before and has this name.
        """
        digest = digest_of(key)
        # No key has an empty digest, so a malformed key is not found. Its caller is authorized nevertheless. A key
        # whose record is cached was well-formed.
        if self._decisions.customer_of(digest) is None and not is_well_formed(key):
            digest = b""
        address = None if request.ip is None else parse_address(request.ip)
        return VerificationQuery(
            digest=digest,
            purpose=purpose,
            cost=request.cost,
            operation=request.operation or "",
            units=request.units,
            weight=request.weight,
            scopes=tuple(request.scopes),
            address=address,
            has_unreadable_address=address is None and request.ip is not None,
            tag=request.tag or request.operation or "",
            request_id=request.request_id or new_request_id(),  # unique, not secret
            is_idempotent=request.request_id is not None and purpose is Purpose.METERED,
            caller=caller,
            caller_name=caller_name,
        )

    async def decide(self, query: VerificationQuery) -> Verdict:
        """Return the verdict on the query. Raises as `submit` delivers.

        The use of a key without rate limits counts nothing, and is decided without locks.
        """
        if query.purpose is Purpose.CREDENTIAL and query.weight and self._decisions.is_unlimited(query.digest):
            verdict = await self._reading.process(replace(query, weight=0))
            if verdict.record is None or not verdict.record.rate_limits:  # it has got none since
                return verdict
        return await self._batcher_of(query).process(query)

    def submit(self, pending: PendingQuery) -> None:
        """Decide the query in the next batch, and deliver the verdict, whose effects are committed, or the error.

        The errors: NotAuthenticated, NotAllowed or InsufficientScopes for the query's caller, RequestIdReused,
        Unavailable. Raises Unavailable when too many queries wait.
        """
        self._batcher_of(pending.item).submit(pending)

    def _batcher_of(self, query: VerificationQuery) -> Batcher[VerificationQuery, Verdict]:
        if not query.uses_counters:
            return self._reading
        return self._contended if self._busy_until and self._is_busy(query.digest) else self._locking

    def _is_busy(self, digest: bytes) -> bool:
        customer = self._decisions.customer_of(digest)
        return customer is not None and self._busy_until.get(customer, 0) > monotonic()

    def _note_busy(self, snapshot: BatchSnapshot) -> None:
        now = monotonic()
        customers = {record.user_id for record in snapshot.records.values() if record.key_id in snapshot.busy}
        kept = {customer: until for customer, until in self._busy_until.items() if until > now}
        self._busy_until = kept | dict.fromkeys(customers, now + BUSY_SECONDS)

    async def _decide_locking(self, batch: Sequence[PendingQuery]) -> Sequence[Result]:
        try:
            return await self._decide_batch(batch)
        except RowsLocked:  # by a long transaction: the other keys are decided without waiting for it
            return await self._decide_batch(batch, skip_locked=True)

    async def _decide_reading(self, batch: Sequence[PendingQuery]) -> Sequence[Result]:
        return await self._decide_batch(batch)

    async def _decide_batch(self, batch: Sequence[PendingQuery], *, skip_locked: bool = False) -> Sequence[Result]:
        try:
            return await self._decide_once(batch, skip_locked=skip_locked)
        except StatementsOutdated:
            return await self._decide_once(batch, skip_locked=skip_locked)

    async def _decide_once(self, batch: Sequence[PendingQuery], *, skip_locked: bool) -> Sequence[Result]:
        queries = [pending.item for pending in batch]
        async with self._decisions.open_batch(queries, skip_locked=skip_locked) as opened:
            if skip_locked:
                self._note_busy(opened.snapshot)
            results, effects = self._decide(opened.snapshot, batch)
            opened.write(effects)
        if effects.refusals:
            self._note_refused(list(_refused_calls(effects.refusals, opened.snapshot)))
        return results

    def _note_refused(self, calls: Sequence[RefusedCall]) -> None:
        if self._samples:
            self._samples.add(calls)
        if self._unknown_keys:
            self._unknown_keys.add(calls)

    def _decide(self, snapshot: BatchSnapshot, batch: Sequence[PendingQuery]) -> tuple[list[Result], BatchEffects]:
        """Decide the queries with connected clients and authorized callers; the others have no effect."""
        callers = _distinct_callers(batch)
        refusals = refused_callers(snapshot, callers)
        errors = [_error(pending, refusals, snapshot) for pending in batch]
        queries = [pending.item for pending, error in zip(batch, errors, strict=True) if error is None]
        decided, effects = decide(snapshot, queries, self._retry_period)
        effects.idempotency_records = _idempotency_records(snapshot, queries, decided)
        effects.used_credentials |= _authenticated(snapshot, callers, refusals)
        following = iter(decided)
        return [error or next(following) for error in errors], effects


def _name_of(caller: Principal) -> str:
    if caller.api_key_id is not None:
        return caller_name_of_key(caller.api_key_id)
    return str(caller.kind) if caller.user_id is None else caller_name_of_user(caller.user_id)


def _distinct_callers(batch: Sequence[PendingQuery]) -> set[Caller]:
    # By identity first: to compare callers takes longer, and most are the same object.
    return set({id(pending.item.caller): pending.item.caller for pending in batch if pending.item.caller}.values())


def _error(pending: PendingQuery, refusals: Mapping[Caller, DomainError], snapshot: BatchSnapshot) -> Exception | None:
    """Return the error that the client gets instead of a verdict, or None."""
    query = pending.item
    if pending.is_cancelled:
        return DISCONNECTED
    if refusals and query.caller and query.caller in refusals:
        return refusals[query.caller]
    record = snapshot.records.get(query.digest) if snapshot.busy else None
    return KeyBusy() if record and record.key_id in snapshot.busy else None


def _idempotency_records(
    snapshot: BatchSnapshot, queries: Sequence[VerificationQuery], decided: Sequence[Decided]
) -> dict[IdempotencyKey, IdempotencyRecord]:
    """Return the records of the first requests with an idempotency key."""
    found: dict[IdempotencyKey, IdempotencyRecord] = {}
    for query, verdict in zip(queries, decided, strict=True):
        name = idempotency_key_of(query, snapshot.records)
        if name and name not in snapshot.idempotency_records and name not in found and isinstance(verdict, Verdict):
            response = response_json(verdict, query.request_id)
            found[name] = IdempotencyRecord(fingerprint_of(query), snapshot.now, response)
    return found


def _authenticated(
    snapshot: BatchSnapshot, callers: Iterable[Caller], refusals: Mapping[Caller, DomainError]
) -> set[int]:
    """Return the keys of the callers that were authenticated, also of those that lack the scope."""
    valid = [caller for caller in callers if isinstance(refusals.get(caller), InsufficientScopes | None)]
    return {snapshot.records[caller.digest].key_id for caller in valid}


def _refused_calls(
    refusals: Iterable[tuple[VerificationQuery, Verdict]], snapshot: BatchSnapshot
) -> Iterator[RefusedCall]:
    for query, verdict in refusals:
        record = verdict.record
        yield RefusedCall(
            occurred_at=snapshot.now,
            user_id=record.user_id if record else UNKNOWN_ID,
            api_key_id=record.key_id if record else UNKNOWN_ID,
            code=verdict.code,
            detail=verdict.detail or "",
            scopes=query.scopes,
            address=str(query.address) if query.address else None,
            cost=query.cost,
            weight=query.weight,
            tag=query.tag,
            request_id=query.request_id,
            rate_limits=verdict.rate_limits,
            balance=verdict.balance,
            caller=caller_name_in(query, snapshot.records),
        )
