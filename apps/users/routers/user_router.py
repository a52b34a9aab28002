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

    Where addresses must be confirmed first, every request is answered with 202, and a mail is sent to the address.
    """
    await limit_by_address(request, "sign-up")
    created = await registration().sign_up(new)
    return Status(202, Done()) if created is None else Status(201, created)


@router.get("", response={200: Page[UserOut]})
async def list_users(request: AuthenticatedRequest, query: Query[UserQuery]) -> Page[UserOut]:
    """List accounts: all for staff, one's own for others."""
    return await user_service().page(request.auth, query)


@router.get("/me", response={200: UserOut})
async def get_own_user(request: AuthenticatedRequest) -> UserOut:
    """Read one's own account."""
    return await user_service().get(request.auth, request.auth.owner_id)


@router.patch("/me", response={200: UserOut, **errors(409)})
async def update_own_user(request: AuthenticatedRequest, update: UserUpdate) -> UserOut:
    """Change one's own account.

    Another `email` becomes `pending_email`, and replaces the current one once the links in the mails to both addresses
    are followed. This needs a recently authenticated session (`STEP_UP_REQUIRED`); API keys are refused. An account may
    begin a change once a minute and five times an hour; an address gets up to five such mails an hour.
    """
    return await account_update().update(request.auth, request.auth.owner_id, update)


@router.get("/{user_id}", response={200: UserOut, **errors(404)})
async def get_user(request: AuthenticatedRequest, user_id: Path[Identifier]) -> UserOut:
    """Read an account: one's own, or any as staff."""
    return await user_service().get(request.auth, user_id)


@router.patch("/{user_id}", response={200: UserOut, **errors(404, 409)})
async def update_user(request: AuthenticatedRequest, user_id: Path[Identifier], update: UserUpdate) -> UserOut:
    """Change an account. Only staff set `plan` and `is_active`, and only superusers `roles`.

    Members of staff cannot set their own `is_active` to false. `email` and `roles` need a recently authenticated
    session (`STEP_UP_REQUIRED`); API keys are refused.
    """
    return await account_update().update(request.auth, user_id, update)


@router.delete("/{user_id}", response={204: None, **errors(404, 409)})
async def delete_user(request: AuthenticatedRequest, user_id: Path[Identifier]) -> Status[None]:
    """Delete an account. Its credentials are refused immediately; its ledger stays.

    Staff can restore it during a grace period; then its personal data is erased. Deleting one's own account needs a
    recently authenticated session (`STEP_UP_REQUIRED`); API keys are refused. Members of staff cannot delete their own.
    """
    await account_removal().delete(request.auth, user_id)
    return Status(204, None)


@router.post("/{user_id}/restore", response={200: UserOut, **errors(404, 409)})
async def restore_user(request: AuthenticatedRequest, user_id: Path[Identifier]) -> UserOut:
    """Restore a deleted account within the grace period; for staff. Its API keys are valid again, its sessions not."""
    return await account_removal().restore(request.auth, user_id)
