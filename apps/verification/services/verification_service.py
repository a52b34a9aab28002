"""Answers "may this key make this call?"."""

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
    KeyRecord,
    RequestName,
    Verdict,
    VerificationQuery,
)
from apps.verification.repositories.decision_repository import DecisionRepository
from apps.verification.schemas.verification import VerifyRequest, VerifyResponse, answer_json
from apps.verification.services.batcher import Batcher, Ticket
from apps.verification.services.caller_check import check_callers
from apps.verification.services.decision import decide

REQUEST_ID_BYTES = 16

type Asked = Ticket[VerificationQuery, Verdict]
type Answer = Verdict | Exception
NOBODY_LISTENS = Unavailable("The asker has gone.")


class KeyBusy(Unavailable):
    """Somebody is changing what a key or its owner has left, and takes long over it."""

    message = "The key is being changed; try again shortly."


class VerificationService:
    """Decides questions in batches: metered ones each batch in one transaction, the others on what is committed.

    What uses nothing locks nothing, and waits neither for a lock nor for a commit.
    """

    def __init__(self, decisions: DecisionRepository) -> None:
        self._decisions = decisions
        self._metered: Batcher[VerificationQuery, Verdict] = Batcher(self._decide_all)
        self._unmetered: Batcher[VerificationQuery, Verdict] = Batcher(self._judge_all)

    async def verify(
        self, request: VerifyRequest, caller: Caller | None = None, *, is_metered: bool = True
    ) -> tuple[Verdict, str]:
        """Return the verdict and the request's id; when it is VALID and metered, all it uses up has been committed.

        Raises NotAuthenticated, NotAllowed or InsufficientScopes for the caller, and then nothing has been decided.
        """
        request_id = request.request_id or secrets.token_hex(REQUEST_ID_BYTES)
        question = _question(request, request_id, caller, is_metered=is_metered)
        return await self._ask(question), request_id

    async def verify_all(self, requests: Sequence[VerifyRequest]) -> list[VerifyResponse]:
        """Return the verdicts, in the order of the requests.

        Raises Unavailable when one of them cannot be decided; the others then have been, and may be asked for again by
        their `request_id`.
        """
        verified = await asyncio.gather(*map(self.verify, requests), return_exceptions=True)
        for each in verified:
            if isinstance(each, BaseException):
                raise each
        return [VerifyResponse.of(*each) for each in verified if not isinstance(each, BaseException)]

    async def judge(self, question: VerificationQuery) -> Verdict:
        """Return the verdict on a key that is used on Keyhouse itself."""
        return await self._ask(question)

    async def _ask(self, question: VerificationQuery) -> Verdict:
        return await (self._metered if question.is_metered else self._unmetered).ask(question)

    async def _decide_all(self, asked: Sequence[Asked]) -> Sequence[Answer]:
        questions = [ticket.question for ticket in asked]
        return await self._decisions.decide(questions, lambda known: _decide(known, asked))

    async def _judge_all(self, asked: Sequence[Asked]) -> Sequence[Answer]:
        questions = [ticket.question for ticket in asked]
        return await self._decisions.judge(questions, lambda known: _decide(known, asked))


def _question(request: VerifyRequest, request_id: str, caller: Caller | None, *, is_metered: bool) -> VerificationQuery:
    key = request.key.get_secret_value()
    return VerificationQuery(
        # No key has an empty digest, so a malformed one is not found; its caller is judged with it all the same.
        digest_of(key) if is_well_formed(key) else b"",
        request.cost,
        request.weight,
        tuple(request.scopes),
        parse_address(request.ip) if request.ip else None,
        request.tag,
        request_id,
        request.request_id is not None,
        is_metered,
        is_metered,
        caller=caller,
    )


def _decide(known: BatchSnapshot, asked: Sequence[Asked]) -> tuple[list[Answer], BatchEffects]:
    """Decide the questions whose asker waits for the answer and may ask; the others use up nothing."""
    callers = {ticket.question.caller for ticket in asked if ticket.question.caller}
    refusals = check_callers(known, callers)
    answers = [_refusal(ticket, refusals, known) for ticket in asked]
    heard = [ticket.question for ticket, answer in zip(asked, answers, strict=True) if answer is None]
    verdicts, consequences = decide(known, heard)
    consequences.first_answers = _first_answers(heard, verdicts)
    good = [caller for caller in callers if isinstance(refusals.get(caller), InsufficientScopes | None)]
    consequences.askers = _askers(known, good, heard, verdicts)
    following = iter(verdicts)
    return [answer or next(following) for answer in answers], consequences


def _refusal(ticket: Asked, refusals: Mapping[Caller, DomainError], known: BatchSnapshot) -> Exception | None:
    """Return what the asker is told instead of a verdict, or None when there is to be one."""
    question = ticket.question
    if ticket.is_withdrawn:
        return NOBODY_LISTENS
    if question.caller and question.caller in refusals:
        return refusals[question.caller]
    return KeyBusy() if question.digest in known.busy else None


def _first_answers(questions: Sequence[VerificationQuery], verdicts: Sequence[Verdict]) -> dict[RequestName, str]:
    return {
        (verdict.record.key_id, question.request_id): answer_json(verdict, question.request_id).decode()
        for question, verdict in zip(questions, verdicts, strict=True)
        if question.is_repeatable and verdict.record and verdict.first_answer is None
    }


def _askers(
    known: BatchSnapshot, callers: Iterable[Caller], questions: Sequence[VerificationQuery], verdicts: Sequence[Verdict]
) -> dict[int, KeyRecord]:
    """Return the keys that were used to ask, and used up nothing by it."""
    records = [known.callers[caller.digest] for caller in callers]
    records += [
        verdict.record
        for question, verdict in zip(questions, verdicts, strict=True)
        if question.is_credential and not question.is_metered and verdict.record and verdict.is_valid
    ]
    return {record.key_id: record for record in records}
