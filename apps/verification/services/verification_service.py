"""Verifies whether API keys may make calls."""

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence

from apps.api_keys.services.key_format import digest_of, is_well_formed
from apps.core.errors import DomainError, InsufficientScopes, Unavailable
from apps.core.values.ip_addresses import parse_address
from apps.verification.domain import (
    BatchEffects,
    BatchSnapshot,
    Caller,
    IdempotencyKey,
    KeyRecord,
    Verdict,
    VerificationQuery,
)
from apps.verification.repositories.decision_repository import DecisionRepository, RowsLocked, StatementsOutdated
from apps.verification.schemas.verification import VerifyRequest, VerifyResponse, response_json
from apps.verification.services.batcher import Batcher, Pending
from apps.verification.services.caller_authorization import refused_callers
from apps.verification.services.decision import decide

REQUEST_ID_BYTES = 16

type PendingQuery = Pending[VerificationQuery, Verdict]
type Result = Verdict | Exception
DISCONNECTED = Unavailable("The client has disconnected.")


class KeyBusy(Unavailable):
    """Another transaction has locked the counters of the key or the balance of its owner for too long."""

    message = "The API key is being changed. Retry shortly."


class VerificationService:
    """Decides queries in batches: metered ones in one transaction per batch, the others on committed rows.

    Unmetered queries take no locks, and wait neither for a lock nor for a commit.
    """

    def __init__(self, decisions: DecisionRepository) -> None:
        self._decisions = decisions
        self._metered: Batcher[VerificationQuery, Verdict] = Batcher(self._decide_metered)
        self._unmetered: Batcher[VerificationQuery, Verdict] = Batcher(self._decide_unmetered)

    async def verify(
        self, request: VerifyRequest, caller: Caller | None = None, *, is_metered: bool = True
    ) -> tuple[Verdict, str]:
        """Return the verdict and the request's id; the effects of a VALID metered query are committed.

        Raises NotAuthenticated, NotAllowed or InsufficientScopes for the caller, before anything is decided.
        """
        verdict, request_id = self.submit(request, caller, is_metered=is_metered)
        return await verdict, request_id

    def submit(
        self, request: VerifyRequest, caller: Caller | None = None, *, is_metered: bool = True
    ) -> tuple[asyncio.Future[Verdict], str]:
        """Return the future of what `verify` returns, and the request's id. Cancel it when the client disconnects.

        Raises Unavailable when too many queries wait.
        """
        request_id = request.request_id or secrets.token_hex(REQUEST_ID_BYTES)
        query = _query(request, request_id, caller, is_metered=is_metered)
        return self._batcher_of(query).submit(query), request_id

    async def verify_all(self, requests: Sequence[VerifyRequest]) -> list[VerifyResponse]:
        """Return the verdicts, in the order of the requests.

        Raises Unavailable when one of them cannot be decided. The others are decided, and may be retried with the same
        `request_id`.
        """
        verified = await asyncio.gather(*map(self.verify, requests), return_exceptions=True)
        for each in verified:
            if isinstance(each, BaseException):
                raise each
        return [VerifyResponse.of(*each) for each in verified if not isinstance(each, BaseException)]

    async def decide(self, query: VerificationQuery) -> Verdict:
        """Return the verdict on the query."""
        return await self._batcher_of(query).submit(query)

    def _batcher_of(self, query: VerificationQuery) -> Batcher[VerificationQuery, Verdict]:
        return self._metered if query.is_metered else self._unmetered

    async def _decide_metered(self, batch: Sequence[PendingQuery]) -> Sequence[Result]:
        try:
            return await self._decide_locked(batch)
        except RowsLocked:  # by a long transaction: the other keys are decided without waiting for it
            return await self._decide_locked(batch, skip_locked=True)
        except StatementsOutdated:
            return await self._decide_locked(batch)

    async def _decide_locked(self, batch: Sequence[PendingQuery], *, skip_locked: bool = False) -> Sequence[Result]:
        queries = [pending.item for pending in batch]
        async with self._decisions.lock(queries, skip_locked=skip_locked) as locked:
            results, effects = _decide(locked.snapshot, batch)
            locked.write(effects)
        return results

    async def _decide_unmetered(self, batch: Sequence[PendingQuery]) -> Sequence[Result]:
        snapshot = await self._decisions.load([pending.item for pending in batch])
        results, effects = _decide(snapshot, batch)
        await self._decisions.touch_callers(effects, snapshot.now)
        return results


def _query(request: VerifyRequest, request_id: str, caller: Caller | None, *, is_metered: bool) -> VerificationQuery:
    key = request.key.get_secret_value()
    address = None if request.ip is None else parse_address(request.ip)
    return VerificationQuery(
        # No key has an empty digest, so a malformed key is not found. Its caller is authorized nevertheless.
        digest_of(key) if is_well_formed(key) else b"",
        request.cost,
        request.weight,
        tuple(request.scopes),
        address,
        request.tag,
        request_id,
        request.request_id is not None,
        is_metered,
        is_metered,
        caller=caller,
        has_unreadable_address=address is None and request.ip is not None,
    )


def _decide(snapshot: BatchSnapshot, batch: Sequence[PendingQuery]) -> tuple[list[Result], BatchEffects]:
    """Decide the queries with connected clients and authorized callers; the others have no effect."""
    callers = {pending.item.caller for pending in batch if pending.item.caller}
    refusals = refused_callers(snapshot, callers)
    errors = [_error(pending, refusals, snapshot) for pending in batch]
    queries = [pending.item for pending, error in zip(batch, errors, strict=True) if error is None]
    verdicts, effects = decide(snapshot, queries)
    effects.idempotency_records = _idempotency_records(queries, verdicts)
    authenticated = [caller for caller in callers if isinstance(refusals.get(caller), InsufficientScopes | None)]
    effects.used_callers = _used_callers(snapshot, authenticated, queries, verdicts)
    following = iter(verdicts)
    return [error or next(following) for error in errors], effects


def _error(pending: PendingQuery, refusals: Mapping[Caller, DomainError], snapshot: BatchSnapshot) -> Exception | None:
    """Return the error that the client gets instead of a verdict, or None."""
    query = pending.item
    if pending.is_cancelled:
        return DISCONNECTED
    if query.caller and query.caller in refusals:
        return refusals[query.caller]
    return KeyBusy() if query.digest in snapshot.busy else None


def _idempotency_records(
    queries: Sequence[VerificationQuery], verdicts: Sequence[Verdict]
) -> dict[IdempotencyKey, str]:
    return {
        (verdict.record.key_id, query.request_id): response_json(verdict, query.request_id).decode()
        for query, verdict in zip(queries, verdicts, strict=True)
        if query.is_idempotent and verdict.record and verdict.stored_response is None
    }


def _used_callers(
    snapshot: BatchSnapshot,
    callers: Iterable[Caller],
    queries: Sequence[VerificationQuery],
    verdicts: Sequence[Verdict],
) -> dict[int, KeyRecord]:
    """Return the keys that were used as credentials without changing their counters."""
    records = [snapshot.callers[caller.digest] for caller in callers]
    records += [
        verdict.record
        for query, verdict in zip(queries, verdicts, strict=True)
        if query.is_credential and not query.is_metered and verdict.record and verdict.is_valid
    ]
    return {record.key_id: record for record in records}
