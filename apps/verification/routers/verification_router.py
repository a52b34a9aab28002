"""`/keys/verify` and `/keys/verify-batch`."""

from apps.core.authorization.authenticated_request import AuthenticatedRequest
from apps.core.authorization.scopes import KEYS_VERIFY
from apps.core.http.requirements import require_scopes
from apps.core.http.responses import Router
from apps.core.rate_limits.response_headers import record_rate_limits
from apps.verification.dependencies import verification_service
from apps.verification.schemas.verification import (
    VerifyBatchRequest,
    VerifyBatchResponse,
    VerifyRequest,
    VerifyResponse,
)

router = Router(tags=["verification"])
router.add_decorator(require_scopes(KEYS_VERIFY))


@router.post("/verify", response={200: VerifyResponse})
async def verify_key(request: AuthenticatedRequest, question: VerifyRequest) -> VerifyResponse:
    """Ask whether a key may make a call.

    A refusal is an answer too: the status is 200 and `code` says why. The limits' headers speak of the key that was
    asked about, to be handed on to whoever presented it. The same `request_id` sent again for the same key is answered
    as the first time, and charged once, whatever has become of the key since: make the id yourself, and never take it
    from whoever presents the key.
    """
    verdict, request_id = await verification_service().verify(question)
    record_rate_limits(request, verdict.rate_limits, verdict.retry_after_seconds)
    return VerifyResponse.of(verdict, request_id)


@router.post("/verify-batch", response={200: VerifyBatchResponse})
async def verify_keys(request: AuthenticatedRequest, questions: VerifyBatchRequest) -> VerifyBatchResponse:
    """Ask about up to 100 calls at once, each judged for itself.

    When one of them cannot be decided, the answer is 503, and others may have been charged: send a `request_id` with
    each, and repeat them all.
    """
    return VerifyBatchResponse(items=await verification_service().verify_all(questions.items))
