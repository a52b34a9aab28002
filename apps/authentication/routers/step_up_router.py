"""`/auth/step-up`: proving once more who one is."""

from apps.authentication.dependencies import step_up
from apps.authentication.schemas.login import StepUpRequest
from apps.core.authorization.authenticated_request import AuthenticatedRequest
from apps.core.http.responses import Router
from apps.core.rate_limits.address_limits import limit_by_address
from apps.core.schemas.done import Done
from apps.second_factors.schemas.passkey import PasskeyOptions

router = Router(tags=["authentication"])


@router.post("/step-up", response={200: Done})
async def prove_again(request: AuthenticatedRequest, proof: StepUpRequest) -> Done:
    """Prove once more who one is; for ten minutes, operations that ask for it (`STEP_UP_REQUIRED`) then go through.

    Where the account has a second factor, by a code or a passkey; else by the password.
    """
    await limit_by_address(request, "step-up")
    await step_up().prove(request.auth, proof)
    return Done()


@router.post("/step-up/passkey/options", response={200: PasskeyOptions})
async def ask_for_passkey_again(request: AuthenticatedRequest) -> PasskeyOptions:
    """Get what `navigator.credentials.get()` is asked, to prove once more who one is."""
    await limit_by_address(request, "passkeys")
    return await step_up().ask_for_passkey(request.auth)
