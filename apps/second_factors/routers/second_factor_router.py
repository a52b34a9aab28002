"""`/auth/second-factors`, and `/users/{id}/second-factors` for staff."""

from ninja import Path, Status

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.rate_limits.request_limits import limit_by_address
from apps.core.schemas.base import ReasonedRequest, reason_in
from apps.core.schemas.fields import Identifier
from apps.second_factors.dependencies import (
    factor_recovery,
    factor_removal,
    passkey_enrolment,
    second_factors,
    totp_enrolment,
)
from apps.second_factors.schemas.passkey import (
    PasskeyAdded,
    PasskeyOptions,
    PasskeyOut,
    PasskeyRegistration,
    PasskeyRename,
)
from apps.second_factors.schemas.second_factor import CodeEntry, RecoveryCodesOut, SecondFactorsOut
from apps.second_factors.schemas.totp_device import TotpSecret

router = Router(tags=["second factors"])
user_router = Router(tags=["second factors"])


@router.get("/second-factors", response={200: SecondFactorsOut})
async def list_second_factors(request: AuthenticatedRequest) -> SecondFactorsOut:
    """List the second factors of your own account."""
    return await second_factors().list_own(request.auth)


@router.post("/second-factors/totp", response={201: TotpSecret}, summary="Add Authenticator App")
async def begin_totp(request: AuthenticatedRequest) -> Status[TotpSecret]:
    """Create a secret for an authenticator app. It is shown only once; confirm it with a code within 15 minutes.

    Requires re-authentication (`STEP_UP_REQUIRED`). Rate limited per client address.
    """
    await limit_by_address(request, "totp")
    return Status(201, await totp_enrolment().begin(request.auth))


@router.post(
    "/second-factors/totp/confirm",
    response={200: RecoveryCodesOut, **errors(404)},
    summary="Confirm Authenticator App",
)
async def confirm_totp(request: AuthenticatedRequest, entry: CodeEntry) -> RecoveryCodesOut:
    """Confirm the new secret with a code from the authenticator app. It replaces an earlier app.

    With the first factor of an account, recovery codes are created and shown only once. Requires re-authentication
    (`STEP_UP_REQUIRED`).
    """
    return await totp_enrolment().confirm(request.auth, entry.code)


@router.delete("/second-factors/totp", response={204: None, **errors(404)}, summary="Remove Authenticator App")
async def remove_totp(request: AuthenticatedRequest) -> Status[None]:
    """Remove the authenticator app. Requires re-authentication (`STEP_UP_REQUIRED`)."""
    await totp_enrolment().remove(request.auth)
    return Status(204, None)


@router.post("/second-factors/recovery-codes", response={200: RecoveryCodesOut, **errors(404)})
async def renew_recovery_codes(request: AuthenticatedRequest) -> RecoveryCodesOut:
    """Replace the recovery codes. The new ones are shown only once. Requires re-authentication (`STEP_UP_REQUIRED`)."""
    return await factor_recovery().renew_recovery_codes(request.auth)


@router.post("/second-factors/passkeys/options", response={200: PasskeyOptions}, summary="Get Options For New Passkey")
async def get_new_passkey_options(request: AuthenticatedRequest) -> PasskeyOptions:
    """Return the options for `navigator.credentials.create()`, to add a passkey.

    Requires re-authentication (`STEP_UP_REQUIRED`). Rate limited per client address.
    """
    await limit_by_address(request, "passkeys")
    return await passkey_enrolment().options(request.auth)


@router.post("/second-factors/passkeys", response={201: PasskeyAdded, **errors(409)})
async def add_passkey(request: AuthenticatedRequest, registration: PasskeyRegistration) -> Status[PasskeyAdded]:
    """Add a passkey. Requires re-authentication (`STEP_UP_REQUIRED`).

    With the first factor of an account, recovery codes are created and shown only once.
    """
    return Status(201, await passkey_enrolment().add(request.auth, registration))


@router.patch("/second-factors/passkeys/{passkey_id}", response={200: PasskeyOut, **errors(404)})
async def rename_passkey(
    request: AuthenticatedRequest, passkey_id: Path[Identifier], rename: PasskeyRename
) -> PasskeyOut:
    """Rename a passkey."""
    return await passkey_enrolment().rename(request.auth, passkey_id, rename.name)


@router.delete("/second-factors/passkeys/{passkey_id}", response={204: None, **errors(404)})
async def remove_passkey(request: AuthenticatedRequest, passkey_id: Path[Identifier]) -> Status[None]:
    """Remove a passkey. Requires re-authentication (`STEP_UP_REQUIRED`)."""
    await passkey_enrolment().remove(request.auth, passkey_id)
    return Status(204, None)


@user_router.get("/{user_id}/second-factors", response={200: SecondFactorsOut, **errors(404)})
async def list_user_second_factors(request: AuthenticatedRequest, user_id: Path[Identifier]) -> SecondFactorsOut:
    """List the second factors of an account. Accounts other than your own require the scope `security:read`."""
    return await second_factors().summary(request.auth, user_id)


@user_router.delete("/{user_id}/second-factors", response={204: None, **errors(404)})
async def reset_second_factors(
    request: AuthenticatedRequest, user_id: Path[Identifier], given: ReasonedRequest | None = None
) -> Status[None]:
    """Remove all second factors of an account whose owner has lost them, and end its sessions.

    Requires the scope `security:write`, and re-authentication (`STEP_UP_REQUIRED`).
    """
    await factor_recovery().reset(request.auth.because(reason_in(given)), user_id)
    return Status(204, None)


@user_router.delete(
    "/{user_id}/second-factors/totp",
    response={204: None, **errors(404)},
    summary="Remove Authenticator App Of User",
)
async def remove_user_totp(
    request: AuthenticatedRequest, user_id: Path[Identifier], given: ReasonedRequest | None = None
) -> Status[None]:
    """Remove the authenticator app of an account whose owner has lost it, and end the account's sessions.

    Requires the scope `security:write`, and re-authentication (`STEP_UP_REQUIRED`).
    """
    await factor_removal().remove_totp(request.auth.because(reason_in(given)), user_id)
    return Status(204, None)


@user_router.delete("/{user_id}/second-factors/passkeys/{passkey_id}", response={204: None, **errors(404)})
async def remove_user_passkey(
    request: AuthenticatedRequest,
    user_id: Path[Identifier],
    passkey_id: Path[Identifier],
    given: ReasonedRequest | None = None,
) -> Status[None]:
    """Remove a passkey of an account whose owner has lost it, and end the account's sessions.

    Requires the scope `security:write`, and re-authentication (`STEP_UP_REQUIRED`).
    """
    await factor_removal().remove_passkey(request.auth.because(reason_in(given)), user_id, passkey_id)
    return Status(204, None)
