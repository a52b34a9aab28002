"""`/auth`."""

from django.http import HttpRequest
from ninja import Path, Query, Status

from apps.authentication.dependencies import password_service, session_service, sign_in
from apps.authentication.routers.signed_in import signed_in
from apps.authentication.schemas.login import LoginRequest, RefreshRequest, SecondFactorNeeded, TokenPair
from apps.authentication.schemas.password import PasswordChange
from apps.authentication.schemas.session import SessionOut, SessionsEndQuery
from apps.core.authorization.authenticated_request import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.address_limits import LOGIN, limit_by_address
from apps.core.schemas.done import Done
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import Page, PageQuery

router = Router(tags=["authentication"])


@router.post("/login", auth=None, response={200: TokenPair, 202: SecondFactorNeeded, **errors(401, 403, 429)})
async def login(request: HttpRequest, credentials: LoginRequest) -> Status[TokenPair | SecondFactorNeeded]:
    """Sign in. Limited per client address, and locked after five wrong passwords.

    An account with a second factor is answered with 202 and what completes the sign-in.
    """
    await limit_by_address(request, "login", LOGIN)
    return signed_in(await sign_in().with_password(credentials))


@router.post("/refresh", auth=None, response={200: TokenPair, **errors(401, 429)})
async def refresh(request: HttpRequest, body: RefreshRequest) -> TokenPair:
    """Get a new pair; the old refresh token is spent.

    Whoever repeats it within 10 seconds gets the newest refresh token, so refreshes at the same time and lost answers
    do no harm. A spent token that is presented later ends the session.
    """
    await limit_by_address(request, "refresh")
    return await session_service().refresh(body.refresh_token)


@router.post("/logout", response={200: Done})
async def logout(request: AuthenticatedRequest) -> Done:
    """Sign out; the access token stops working at once."""
    await session_service().logout(request.auth)
    return Done()


@router.post("/change-password", response={200: Done})
async def change_password(request: AuthenticatedRequest, change: PasswordChange) -> Done:
    """Set a new password; every other session ends. Limited per client address.

    Where the account has a second factor, it asks for fresh proof too.
    """
    await limit_by_address(request, "change-password")
    await password_service().change(request.auth, change)
    return Done()


@router.get("/sessions", response={200: Page[SessionOut]})
async def list_sessions(request: AuthenticatedRequest, query: Query[PageQuery]) -> Page[SessionOut]:
    """List the devices one is signed in on."""
    return await session_service().page(request.auth, query)


@router.delete("/sessions", response={204: None})
async def end_sessions(request: AuthenticatedRequest, query: Query[SessionsEndQuery]) -> Status[None]:
    """Sign out on all other devices; with `everywhere=true` on this one too. Asks for fresh proof."""
    await session_service().end_others(request.auth, everywhere=query.everywhere)
    return Status(204, None)


@router.delete("/sessions/{session_id}", response={204: None, **errors(404)})
async def end_session(request: AuthenticatedRequest, session_id: Path[Identifier]) -> Status[None]:
    """Sign a device out; its access token stops working at once.

    Asks for fresh proof, unless it is the device that asks.
    """
    await session_service().end(request.auth, session_id)
    return Status(204, None)
