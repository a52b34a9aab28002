"""`/keys/verify`."""

from ninja import Router

from apps.core.http.authenticated_request import AuthenticatedRequest
from apps.core.http.responses import WITH_BODY, errors
from apps.core.security.scopes import KEYS_VERIFY
from apps.verification.dependencies import verification_service
from apps.verification.schemas import VerifyRequest, VerifyResponse

router = Router(tags=["verification"])


@router.post("/verify", response={200: VerifyResponse, **errors(*WITH_BODY, 401, 403)})
async def verify_key(request: AuthenticatedRequest, question: VerifyRequest) -> VerifyResponse:
    """Ask whether a key may make a call. Needs the scope `keys:verify`.

    A refusal is an answer too: the status is 200 and `code` says why.
    """
    request.auth.require_scope(KEYS_VERIFY)
    return await verification_service().verify(question)
