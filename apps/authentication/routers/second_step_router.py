"""`/auth/second-factor` and `/auth/passkeys`: signing in with second factors, and with passkeys alone."""

from django.http import HttpRequest

from apps.authentication.dependencies import second_step, sign_in
from apps.authentication.schemas.login import (
    SecondFactorCode,
    SecondFactorPasskey,
    SecondFactorPasskeyQuery,
    TokenPair,
)
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.address_limits import LOGIN, limit_by_address
from apps.second_factors.dependencies import passkey_sign_in
from apps.second_factors.schemas.passkey import PasskeyAssertion, PasskeyOptions

router = Router(tags=["authentication"])


@router.post("/second-factor", auth=None, response={200: TokenPair, **errors(401, 429)})
async def complete_with_code(request: HttpRequest, entry: SecondFactorCode) -> TokenPair:
    """Complete a sign-in by six digits or a recovery code. Limited per client address, and for each account."""
    await limit_by_address(request, "second-factor")
    return await sign_in().with_code(entry)


@router.post("/second-factor/passkey/options", auth=None, response={200: PasskeyOptions, **errors(401, 429)})
async def ask_for_second_passkey(request: HttpRequest, query: SecondFactorPasskeyQuery) -> PasskeyOptions:
    """Get what `navigator.credentials.get()` is asked, to complete a sign-in."""
    await limit_by_address(request, "passkeys")
    return await second_step().ask_for_passkey(query.second_factor_token)


@router.post("/second-factor/passkey", auth=None, response={200: TokenPair, **errors(401, 429)})
async def complete_with_passkey(request: HttpRequest, entry: SecondFactorPasskey) -> TokenPair:
    """Complete a sign-in by a passkey. Limited per client address."""
    await limit_by_address(request, "second-factor")
    return await sign_in().with_second_passkey(entry)


@router.post("/passkeys/options", auth=None, response={200: PasskeyOptions, **errors(429)})
async def ask_for_passkey(request: HttpRequest) -> PasskeyOptions:
    """Get what `navigator.credentials.get()` is asked, to sign in without a password. Limited per client address."""
    await limit_by_address(request, "passkeys")
    return await passkey_sign_in().ask(None)


@router.post("/passkeys", auth=None, response={200: TokenPair, **errors(401, 429)})
async def sign_in_with_passkey(request: HttpRequest, assertion: PasskeyAssertion) -> TokenPair:
    """Sign in by a passkey alone, which its device has to unlock. Limited per client address."""
    await limit_by_address(request, "login", LOGIN)
    return await sign_in().with_passkey(assertion)
