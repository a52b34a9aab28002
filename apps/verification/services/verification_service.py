"""Answers "may this key make this call?"."""

import asyncio
import secrets
from collections.abc import Sequence

from apps.api_keys.services.key_format import digest_of, is_well_formed
from apps.core.addresses import parse_address
from apps.verification.models import Code, Question, Verdict
from apps.verification.repositories.decision_repository import DecisionRepository, KeyBusy
from apps.verification.schemas import VerifyRequest, VerifyResponse
from apps.verification.services.batcher import Batcher
from apps.verification.services.decision import decide

REQUEST_ID_BYTES = 16


class VerificationService:
    """Decides questions in batches: metered ones each batch in one transaction, the others on what is committed.

    What uses nothing locks nothing, and waits neither for a lock nor for a commit.
    """

    def __init__(self, decisions: DecisionRepository) -> None:
        self._decisions = decisions
        self._metered: Batcher[Question, Verdict] = Batcher(self._decide_all)
        self._unmetered: Batcher[Question, Verdict] = Batcher(self._judge_all)

    async def verify(self, request: VerifyRequest, *, metered: bool = True) -> VerifyResponse:
        """Return the verdict; when it is VALID and `metered`, its usage row has been committed."""
        request_id = request.request_id or secrets.token_hex(REQUEST_ID_BYTES)
        key = request.key.get_secret_value()
        if not is_well_formed(key):
            return VerifyResponse.of(Verdict(Code.NOT_FOUND), request_id)
        question = Question(
            digest=digest_of(key),
            cost=request.cost,
            weight=request.weight,
            scopes=tuple(request.scopes),
            address=parse_address(request.ip) if request.ip else None,
            tag=request.tag,
            request_id=request_id,
            metered=metered,
        )
        return VerifyResponse.of(await self._ask(question), request_id)

    async def judge_caller(self, key: str, address: str | None) -> Verdict:
        """Return the verdict on a key that is used on Keyhouse itself; leaves no usage row."""
        if not is_well_formed(key):
            return Verdict(Code.NOT_FOUND)
        question = Question(digest_of(key), address=parse_address(address) if address else None, metered=False)
        return await self._ask(question)

    async def _ask(self, question: Question) -> Verdict:
        return await (self._metered if question.metered else self._unmetered).ask(question)

    async def _decide_all(self, questions: Sequence[Question]) -> Sequence[Verdict | Exception]:
        """Return the verdicts; when somebody holds one of the keys, only those who ask about it are refused."""
        try:
            return await self._decisions.decide(questions, decide)
        except KeyBusy as busy:
            if len(questions) == 1:
                return [busy]
        middle = len(questions) // 2
        halves = await asyncio.gather(self._decide_all(questions[:middle]), self._decide_all(questions[middle:]))
        return [*halves[0], *halves[1]]

    async def _judge_all(self, questions: Sequence[Question]) -> Sequence[Verdict]:
        return await self._decisions.judge(questions, decide)
