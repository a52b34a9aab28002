"""Sessions of the admin: staff who sign in to it, and go on using it."""

import secrets
from dataclasses import dataclass, replace

from apps.audit.domain.audit_entry import AuditEntry
from apps.authentication.models import Session
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.schemas.login import SecondFactorNeeded
from apps.authentication.services.password_check import PasswordCheck
from apps.authentication.services.proof import Proof
from apps.authentication.services.second_step import SecondStep
from apps.authentication.services.sign_in import WRONG_CREDENTIALS, new_session, start_audit
from apps.authentication.services.token_pairs import principal_of
from apps.core.authorization.authentication_methods import PASSWORD
from apps.core.authorization.principal import Principal
from apps.core.errors import NotAuthenticated
from apps.second_factors.schemas.passkey import PasskeyAssertion
from apps.users.services.credentials import Credentials, is_usable

FAMILY_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class StaffSignedIn:
    """Who has signed in to the admin, and the session that was started."""

    user_id: int
    session_id: int


class StaffSessions:
    """Signs staff in to the admin, and knows them again."""

    def __init__(self, sessions: SessionRepository, passwords: PasswordCheck, second_step: SecondStep) -> None:
        self._sessions = sessions
        self._passwords = passwords
        self._second_step = second_step

    async def with_password(self, email: str, password: str) -> StaffSignedIn | SecondFactorNeeded:
        """Start a session, or say which second factor is needed first.

        Raises NotAuthenticated, or TooManyRequests when locked. A customer's right password counts as a wrong one, so
        that nobody learns here that it is right.
        """
        credentials = await self._passwords.sign_in(email, password, admits=_is_of_staff)
        if credentials is None:
            raise NotAuthenticated(WRONG_CREDENTIALS, code="WRONG_CREDENTIALS")
        proof = Proof(credentials.user_id, (PASSWORD,), credentials.password_hash)
        return await self._second_step.ask_if_needed(proof) or await self._start(proof)

    async def with_code(self, token: str, code: str) -> StaffSignedIn:
        """Complete a sign-in by a code; raises NotAuthenticated, or TooManyRequests when locked."""
        return await self._start(await self._second_step.with_code(token, code))

    async def with_second_passkey(self, token: str, assertion: PasskeyAssertion) -> StaffSignedIn:
        """Complete a sign-in by a passkey; raises NotAuthenticated."""
        return await self._start(await self._second_step.with_passkey(token, assertion))

    async def authenticate(self, session_id: int, user_id: int) -> Principal | None:
        """Return the member of staff whose session this is, if it and the account still hold, else None.

        The session has been used now, which moves the end of its idle time on.
        """
        found = await self._sessions.find_live_of_admin(session_id)
        if found is None or found.session.user_id != user_id:
            return None
        user = found.session.user
        if not (user.is_staff and is_usable(user)):
            return None
        return principal_of(found.session, recently_authenticated=found.recently_authenticated)

    async def note_enrolment(self, actor: Principal, method: str) -> None:
        """Count the factor that the actor has just shown to have, by enrolling it, as proof of the session."""
        session_id = actor.require_session()
        audit = AuditEntry(actor, "session.proven", "session", session_id, after={"methods": [method]})
        await self._sessions.renew_proof(session_id, actor.owner_id, (method,), audit)

    async def _start(self, proof: Proof) -> StaffSignedIn:
        # What the digest is of does not exist: no refresh token belongs to the session.
        new = new_session(proof, secrets.token_bytes(FAMILY_DIGEST_BYTES), Session.Kind.ADMIN)
        audit = start_audit(new)
        audit = replace(audit, after={**audit.after, "kind": new.kind.value})
        return StaffSignedIn(proof.user_id, (await self._sessions.start(new, audit)).pk)


def _is_of_staff(credentials: Credentials) -> bool:
    return credentials.is_staff
