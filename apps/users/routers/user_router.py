"""`/users`."""

from django.http import HttpRequest
from ninja import Path, Query, Status

from apps.core.authorization.authenticated_request import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.address_limits import limit_by_address
from apps.core.schemas.done import Done
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import Page
from apps.users.dependencies import account_removal, account_update, registration, user_service
from apps.users.schemas.user import UserCreate, UserOut, UserQuery, UserUpdate

router = Router(tags=["users"])


@router.post("", auth=None, response={201: UserOut, 202: Done, **errors(403, 409, 429)})
async def create_user(request: HttpRequest, new: UserCreate) -> Status[UserOut] | Status[Done]:
    """Sign up. Public, and limited per client address.

    Where addresses have to be confirmed first, everybody is answered with 202, and gets a mail.
    """
    await limit_by_address(request, "sign-up")
    created = await registration().sign_up(new)
    return Status(202, Done()) if created is None else Status(201, created)


@router.get("", response={200: Page[UserOut]})
async def list_users(request: AuthenticatedRequest, query: Query[UserQuery]) -> Page[UserOut]:
    """List accounts: all of them for staff, one's own for others."""
    return await user_service().page(request.auth, query)


@router.get("/me", response={200: UserOut})
async def get_own_user(request: AuthenticatedRequest) -> UserOut:
    """Read one's own account."""
    return await user_service().get(request.auth, request.auth.owner_id)


@router.patch("/me", response={200: UserOut, **errors(409)})
async def update_own_user(request: AuthenticatedRequest, update: UserUpdate) -> UserOut:
    """Change one's own account.

    Another `email` becomes `pending_email`, and takes its place once it is confirmed by the mails to both addresses.
    Asking for it needs a recent sign-in (`STEP_UP_REQUIRED`), and no API key may; an account asks once a minute and
    five times an hour, and an address is asked five times an hour by all.
    """
    return await account_update().update(request.auth, request.auth.owner_id, update)


@router.get("/{user_id}", response={200: UserOut, **errors(404)})
async def get_user(request: AuthenticatedRequest, user_id: Path[Identifier]) -> UserOut:
    """Read an account: one's own, or any for staff."""
    return await user_service().get(request.auth, user_id)


@router.patch("/{user_id}", response={200: UserOut, **errors(404, 409)})
async def update_user(request: AuthenticatedRequest, user_id: Path[Identifier], update: UserUpdate) -> UserOut:
    """Change an account; only staff set `plan` and `is_active`, though not their own, and only superusers `roles`.

    Another's `email` and anybody's `roles` need a recent sign-in (`STEP_UP_REQUIRED`), and no API key may.
    """
    return await account_update().update(request.auth, user_id, update)


@router.delete("/{user_id}", response={204: None, **errors(404, 409)})
async def delete_user(request: AuthenticatedRequest, user_id: Path[Identifier]) -> Status[None]:
    """Delete an account: its credentials stop at once, its ledger stays, whose it was is erased after a grace period.

    One's own needs a recent sign-in (`STEP_UP_REQUIRED`), and no API key may. A member of staff's is for another
    to delete.
    """
    await account_removal().delete(request.auth, user_id)
    return Status(204, None)


@router.post("/{user_id}/restore", response={200: UserOut, **errors(404, 409)})
async def restore_user(request: AuthenticatedRequest, user_id: Path[Identifier]) -> UserOut:
    """Take back a deletion within the grace period; for staff. Keys work again, sessions do not."""
    return await account_removal().restore(request.auth, user_id)
