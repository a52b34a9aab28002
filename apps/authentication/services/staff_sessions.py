"""Signs staff in to the admin, and authenticates their requests."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from apps.authentication.domain.session_rules import Authentication, SessionLifetime, principal_of
from apps.authentication.models import Session
from apps.authentication.repositories.live_session_repository import LiveSessionRepository
from apps.authentication.schemas.login import SecondFactorNeeded
from apps.authentication.services.password_check import PasswordCheck
from apps.authentication.services.second_step import SecondStep
from apps.authentication.services.sign_in import SessionStart
from apps.core.authorization.principal import Principal
from apps.second_factors.schemas.passkey import PasskeyAssertion
from apps.users.services.credentials import is_usable

FAMILY_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class StaffSignedIn:
    """The account that has signed in to the admin, and the session that was started.

    `is_first_without_factor` is whether no earlier session of the admin is stored, and no second factor was used.
    """

    user_id: int
    session_id: int
    is_first_without_factor: bool = False


class StaffSessions:
    """Starts and authenticates sessions of the admin."""

    def __init__(
        self,
        session_start: SessionStart,
        live: LiveSessionRepository,
        lifetimes: Mapping[str, SessionLifetime],
        passwords: PasswordCheck,
        second_step: SecondStep,
    ) -> None:
        self._session_start = session_start
        self._live = live
        self._lifetimes = lifetimes
        self._passwords = passwords
        self._second_step = second_step

    async def with_password(self, email: str, password: str) -> StaffSignedIn | SecondFactorNeeded:
        """Start a session, or return which second factor is needed first.

        Raises NotAuthenticated, or TooManyRequests when locked. A customer's correct password counts as a wrong one, so
        that the response does not reveal that it is correct.
        """
        authentication = await self._passwords.authenticate(email, password, staff_only=True)
        if await self._session_start.lacks_factor(authentication):
            return await self._second_step.begin(authentication)
        started = await self._start(authentication)
        is_first = not await self._live.has_earlier_of_admin(started.user_id, started.session_id)
        return replace(started, is_first_without_factor=is_first)

    async def with_code(self, token: str, code: str) -> StaffSignedIn:
        """Complete a sign-in by a code; raises NotAuthenticated, or TooManyRequests when locked."""
        return await self._start(await self._second_step.with_code(token, code))

    async def with_second_passkey(self, token: str, assertion: PasskeyAssertion) -> StaffSignedIn:
        """Complete a sign-in by a passkey; raises NotAuthenticated."""
        return await self._start(await self._second_step.with_passkey(token, assertion))

    async def authenticate(self, session_id: int, user_id: int) -> Principal | None:
        """Return the staff member of the session if it is live and the account usable, otherwise None.

        This is a use of the session, which extends its expiry.
        """
        found = await self._live.find_of_admin(session_id)
        if found is None or found.session.user_id != user_id:
            return None
        if not found.use_is_recorded:
            await self._live.record_use(session_id, self._lifetimes[Session.Kind.ADMIN])
        user = found.session.user
        if not (user.is_staff and is_usable(user)):
            return None
        return principal_of(found.session, recently_authenticated=found.recently_authenticated)

    async def _start(self, authentication: Authentication) -> StaffSignedIn:
        # A random digest: no refresh token belongs to the session.
        family_digest = secrets.token_bytes(FAMILY_DIGEST_BYTES)
        session = await self._session_start.start(authentication, Session.Kind.ADMIN, family_digest)
        return StaffSignedIn(authentication.user_id, session.pk)
