"""`/auth`: signing in and out, refreshing tokens, re-authentication."""

from django.http import HttpRequest
from ninja import Status

from apps.authentication.dependencies import (
    reauthentication,
    second_step,
    session_refresh,
    session_service,
    sign_in,
)
from apps.authentication.schemas.login import (
    LoginRequest,
    RefreshRequest,
    SecondFactorCode,
    SecondFactorNeeded,
    SecondFactorPasskey,
    SecondFactorPasskeyQuery,
    StepUpRequest,
    TokenPair,
)
from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.request_limits import LOGIN, limit_by_address
from apps.core.schemas.common_responses import Done
from apps.second_factors.dependencies import passkey_sign_in
from apps.second_factors.schemas.passkey import PasskeyAssertion, PasskeyOptions

router = Router(tags=["authentication"])


@router.post("/login", auth=None, response={200: TokenPair, 202: SecondFactorNeeded, **errors(401, 403, 429)})
async def login(request: HttpRequest, credentials: LoginRequest) -> Status[TokenPair | SecondFactorNeeded]:
    """Sign in with e-mail address and password. Rate limited per client address.

    Five wrong passwords lock the account for the client address. If the account has a second factor, the response is
    202, with the token that completes the sign-in.
    """
    await limit_by_address(request, "login", LOGIN)
    outcome = await sign_in().with_password(credentials)
    return Status(202 if isinstance(outcome, SecondFactorNeeded) else 200, outcome)


@router.post(
    "/second-factor",
    auth=None,
    response={200: TokenPair, **errors(401, 429)},
    summary="Complete Sign-In With Code",
)
async def complete_sign_in_with_code(request: HttpRequest, entry: SecondFactorCode) -> TokenPair:
    """Complete a sign-in with a six-digit code or a recovery code. Rate limited per client address and per account."""
    await limit_by_address(request, "second-factor")
    return await sign_in().with_code(entry)


@router.post(
    "/second-factor/passkey/options",
    auth=None,
    response={200: PasskeyOptions, **errors(401, 429)},
    summary="Get Passkey Options For Second Step",
)
async def get_second_step_passkey_options(request: HttpRequest, query: SecondFactorPasskeyQuery) -> PasskeyOptions:
    """Return the options for `navigator.credentials.get()`, to complete a sign-in with a passkey.

    Rate limited per client address.
    """
    await limit_by_address(request, "passkeys")
    return await second_step().passkey_options(query.second_factor_token)


@router.post(
    "/second-factor/passkey",
    auth=None,
    response={200: TokenPair, **errors(401, 429)},
    summary="Complete Sign-In With Passkey",
)
async def complete_sign_in_with_passkey(request: HttpRequest, entry: SecondFactorPasskey) -> TokenPair:
    """Complete a sign-in with a passkey. Rate limited per client address."""
    await limit_by_address(request, "second-factor")
    return await sign_in().with_second_passkey(entry)


@router.post(
    "/passkeys/options",
    auth=None,
    response={200: PasskeyOptions, **errors(429)},
    summary="Get Passkey Options For Sign-In",
)
async def get_sign_in_passkey_options(request: HttpRequest) -> PasskeyOptions:
    """Return the options for `navigator.credentials.get()`, to sign in without a password.

    Rate limited per client address.
    """
    await limit_by_address(request, "passkeys")
    return await passkey_sign_in().options(None)


@router.post("/passkeys", auth=None, response={200: TokenPair, **errors(401, 429)})
async def sign_in_with_passkey(request: HttpRequest, assertion: PasskeyAssertion) -> TokenPair:
    """Sign in with a passkey instead of a password. The device must verify its user.

    Rate limited per client address.
    """
    await limit_by_address(request, "login", LOGIN)
    return await sign_in().with_passkey(assertion)


@router.post("/refresh", auth=None, response={200: TokenPair, **errors(401, 429)})
async def refresh(request: HttpRequest, body: RefreshRequest) -> TokenPair:
    """Exchange a refresh token for a new pair of tokens. Rate limited per client address.

    A retry with the same token within 10 seconds returns the newest refresh token, so concurrent refreshes and lost
    responses are harmless. A later retry ends the session.
    """
    await limit_by_address(request, "refresh")
    return await session_refresh().refresh(body.refresh_token)


@router.post("/logout", response={200: Done})
async def logout(request: AuthenticatedRequest) -> Done:
    """End the current session. Its tokens stop working at once."""
    await session_service().logout(request.auth)
    return Done()


@router.post("/step-up", response={200: Done}, summary="Re-authenticate")
async def reauthenticate(request: AuthenticatedRequest, body: StepUpRequest) -> Done:
    """Re-authenticate the current session. Operations that require it (`STEP_UP_REQUIRED`) are allowed for ten minutes.

    Send a code or a passkey if the account has a second factor, otherwise the password. Rate limited per client
    address.
    """
    await limit_by_address(request, "step-up")
    await reauthentication().confirm(request.auth, body)
    return Done()


@router.post(
    "/step-up/passkey/options", response={200: PasskeyOptions}, summary="Get Passkey Options For Re-authentication"
)
async def get_reauthentication_passkey_options(request: AuthenticatedRequest) -> PasskeyOptions:
    """Return the options for `navigator.credentials.get()`, to re-authenticate with a passkey.

    Rate limited per client address.
    """
    await limit_by_address(request, "passkeys")
    return await reauthentication().passkey_options(request.auth)
