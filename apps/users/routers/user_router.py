"""`/users`."""

from django.http import HttpRequest
from ninja import Path, Query, Status

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.conditional_requests import if_match
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.request_limits import limit_mail_by_address
from apps.core.schemas.base import ReasonedRequest, reason_in
from apps.core.schemas.common_responses import Done
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import CursorPage, Page
from apps.users.dependencies import account_removal, account_update, email_verification, registration, user_service
from apps.users.schemas.user import UserCreate, UserDelete, UserOut, UserQuery, UserUpdate

router = Router(tags=["users"])


@router.post("", auth=None, response={201: UserOut, 202: Done, **errors(403, 409, 429)})
async def create_user(request: HttpRequest, new: UserCreate) -> Status[UserOut] | Status[Done]:
    """Sign up. No credential is required. Rate limited per client address.

    If addresses must be confirmed first, every response is 202, and a message is sent to the address.
    """
    await limit_mail_by_address(request, "sign-up")
    created = await registration().sign_up(new)
    return Status(202, Done()) if created is None else Status(201, created)


@router.get("", response={200: Page[UserOut] | CursorPage[UserOut]})
async def list_users(request: AuthenticatedRequest, query: Query[UserQuery]) -> Page[UserOut] | CursorPage[UserOut]:
    """List accounts: all with the scope `customers:read`, otherwise only your own."""
    if query.cursor is not None:
        return await user_service().after(request.auth, query)
    return await user_service().page(request.auth, query)


@router.get("/me", response={200: UserOut})
async def get_own_user(request: AuthenticatedRequest) -> UserOut:
    """Return your own account."""
    return await user_service().get(request.auth, request.auth.owner_id)


@router.patch("/me", response={200: UserOut, **errors(409, 412)})
async def update_own_user(request: AuthenticatedRequest, update: UserUpdate) -> UserOut:
    """Update your own account.

    A new `email` is stored as `pending_email`, and replaces the current one when the links in the messages to both
    addresses are confirmed. It requires re-authentication (`STEP_UP_REQUIRED`); API keys are refused. An account can
    start a change once a minute and five times an hour; an address gets up to five such messages an hour. Requests with
    `email` are rate limited per client address.
    """
    await _limit_change_of_address(request, request.auth.owner_id, update)
    return await account_update().update(request.auth, request.auth.owner_id, update, if_match(request))


@router.get("/{user_id}", response={200: UserOut, **errors(404)})
async def get_user(request: AuthenticatedRequest, user_id: Path[Identifier]) -> UserOut:
    """Return an account. Accounts other than your own require the scope `customers:read`."""
    return await user_service().get(request.auth, user_id)


@router.patch("/{user_id}", response={200: UserOut, **errors(404, 409, 412)})
async def update_user(request: AuthenticatedRequest, user_id: Path[Identifier], update: UserUpdate) -> UserOut:
    """Update an account. Accounts other than your own require the scope `customers:write`.

    `plan` requires `customers:write`, `is_active` `customers:suspend`, and `roles` `staff:manage`.

    Members of staff cannot set their own `is_active` to false. `email` and `roles` require re-authentication
    (`STEP_UP_REQUIRED`); API keys are refused.
    """
    await _limit_change_of_address(request, user_id, update)
    return await account_update().update(request.auth, user_id, update, if_match(request))


@router.delete("/{user_id}", response={204: None, **errors(404, 409, 412)})
async def delete_user(
    request: AuthenticatedRequest, user_id: Path[Identifier], deletion: UserDelete | None = None
) -> Status[None]:
    """Delete an account. Its credentials are refused immediately; its ledger stays.

    Staff can restore it during a grace period; afterwards its personal data is erased. Deleting your own account
    requires re-authentication (`STEP_UP_REQUIRED`); API keys are refused. Members of staff cannot delete their own.
    """
    deletion = deletion or UserDelete()
    await account_removal().delete(request.auth.because(deletion.reason), user_id, if_match(request), deletion.message)
    return Status(204, None)


@router.post("/{user_id}/restore", response={200: UserOut, **errors(404, 409)})
async def restore_user(
    request: AuthenticatedRequest, user_id: Path[Identifier], given: ReasonedRequest | None = None
) -> UserOut:
    """Restore a deleted account within the grace period. Requires the scope `customers:write`.

    Its API keys are valid again; its sessions stay ended.
    """
    return await account_removal().restore(request.auth.because(reason_in(given)), user_id)


@router.post("/{user_id}/verification-message", response={202: Done, **errors(404, 409)})
async def send_verification_message(
    request: AuthenticatedRequest, user_id: Path[Identifier], given: ReasonedRequest | None = None
) -> Status[Done]:
    """Send a customer another message with the link that verifies the address. Requires the scope `security:write`.

    Up to one message a minute and five an hour.
    """
    await email_verification().send(request.auth.because(reason_in(given)), user_id)
    return Status(202, Done())


async def _limit_change_of_address(request: AuthenticatedRequest, user_id: int, update: UserUpdate) -> None:
    if user_id == request.auth.user_id and "email" in update.model_fields_set:
        await limit_mail_by_address(request, "change-email")
