"""Programs that show codes: made, confirmed, removed."""

from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.core.authorization.principal import Principal
from apps.core.crypto import encryption
from apps.core.crypto.passwords import run_in_hashing_thread
from apps.core.errors import WrongCode
from apps.core.request_context import current_request
from apps.core.values.ip_addresses import limited_party
from apps.second_factors.repositories.code_repository import Guess
from apps.second_factors.repositories.totp_repository import TotpRepository
from apps.second_factors.schemas.second_factor import RecoveryCodesOut
from apps.second_factors.schemas.totp_device import TotpSecret
from apps.second_factors.services.factor_rights import FactorRights
from apps.second_factors.services.lockout import refuse_for
from apps.second_factors.services.recovery_code import digest_of, new_codes, six_digits_of
from apps.second_factors.services.totp import matching_step, new_secret, otpauth_uri, qr_code
from apps.users.services.user_service import UserService

# Part of how the stored secrets were encrypted: another word here makes them unreadable.
PURPOSE = "keyhouse totp secrets"
KIND = {"kind": "totp"}


class TotpEnrolment:
    """Gives accounts a secret to make codes with. It counts once a code has shown that the program has it."""

    def __init__(self, devices: TotpRepository, users: UserService, rights: FactorRights, issuer: str) -> None:
        self._devices = devices
        self._users = users
        self._rights = rights
        self._issuer = issuer

    async def begin(self, actor: Principal) -> TotpSecret:
        """Return a new secret, which waits 15 minutes for its first code; raises as `FactorRights` does."""
        user_id = await self._rights.require_enrolling(actor)
        secret = new_secret()
        uri = otpauth_uri(secret, (await self._users.credentials(user_id)).email, self._issuer)
        image = await run_in_hashing_thread(qr_code, uri)
        await self._devices.begin(user_id, encryption.encrypt(secret.encode(), PURPOSE))
        return TotpSecret(secret=secret, otpauth_uri=uri, qr_code=image)

    async def confirm(self, actor: Principal, code: str) -> RecoveryCodesOut:
        """Make the waiting secret the account's, in place of one before; returns recovery codes if there are none.

        Raises StepUpRequired, NotAllowed, NotFound when none waits, WrongCode, or TooManyRequests when locked.
        """
        user_id = await self._rights.require_fresh(actor)
        codes = new_codes()
        guess = Guess(user_id, limited_party(current_request().client_address), digits=six_digits_of(code) or "")
        refused = AuditEntry(actor, "second_factor.refused", "user", user_id, outcome=Outcome.FAILURE)
        audit = AuditEntry(actor, "second_factor.added", "user", user_id, after=KIND)
        confirmation = await self._devices.confirm(guess, [digest_of(each) for each in codes], refused, audit)
        refuse_for(confirmation.judgement.locked_seconds)
        if not confirmation.judgement.is_right:
            raise WrongCode
        return RecoveryCodesOut(recovery_codes=codes if confirmation.has_new_codes else [])

    async def remove(self, actor: Principal) -> None:
        """Remove the account's program; raises StepUpRequired, NotAllowed, NotFound."""
        user_id = await self._rights.require_fresh(actor)
        await self._devices.remove(user_id, AuditEntry(actor, "second_factor.removed", "user", user_id, before=KIND))


def match_step(secret_encrypted: bytes, digits: str, moment: int) -> int | None:
    """Return the time step whose code these digits are, or None; a secret that cannot be read has no codes."""
    secret = encryption.decrypt(secret_encrypted, PURPOSE)
    return None if secret is None else matching_step(secret.decode(), digits, moment)
