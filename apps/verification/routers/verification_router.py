"""`/keys/verify` and `/keys/verify-batch`."""

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.authorization.scopes import KEYS_VERIFY
from apps.core.http.requirements import require_scopes
from apps.core.http.responses import Router
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
async def verify_key(request: AuthenticatedRequest, query: VerifyRequest) -> VerifyResponse:
    """Verify whether an API key may make a call.

    The status is 200 for refused calls too; `code` says why. The rate limits of the verified key are in the body:
    headers of the response speak of the caller alone. `request_id` is your idempotency key for this API key: for a
    minute, unless configured otherwise, a retry of the same query gets the first response and is charged once; but if
    the key was revoked or may not make the call any more, it gets the refusal. After that, and for another query, the
    response is 409 `REQUEST_ID_REUSED`, and nothing is charged. Generate the id yourself; never take it from the client
    that presents the key.
    """
    return await verification_service().verify(request.auth, query)


@router.post("/verify-batch", response={200: VerifyBatchResponse})
async def verify_keys(request: AuthenticatedRequest, queries: VerifyBatchRequest) -> VerifyBatchResponse:
    """Verify up to 100 calls at once, each on its own.

    When one of them cannot be decided, the response is 503, or 409 if its `request_id` was used before, and others may
    have been charged: send a `request_id` with each, and retry them all, with a new id for each that was used.
    """
    return VerifyBatchResponse(items=await verification_service().verify_all(request.auth, queries.items))
