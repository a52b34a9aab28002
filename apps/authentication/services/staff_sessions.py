"""Sessions of the admin: staff who sign in to it, and go on using it."""

import secrets
from dataclasses import replace

from apps.authentication.models import Session
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.services.password_check import PasswordCheck
from apps.authentication.services.sign_in import PASSWORD, Proof, new_session, start_audit
from apps.authentication.services.token_pairs import principal_of
from apps.core.security.principal import Principal
from apps.users.services.credentials import Credentials, is_usable

FAMILY_DIGEST_BYTES = 32


class StaffSessions:
    """Judges the passwords of staff, starts their sessions, and knows them again."""

    def __init__(self, sessions: SessionRepository, passwords: PasswordCheck) -> None:
        self._sessions = sessions
        self._passwords = passwords

    async def judge(self, email: str, password: str) -> Proof | None:
        """Return the proof that a right password of staff is, else None; raises TooManyRequests when locked.

        A customer's right password counts as a wrong one, so that nobody learns here that it is right.
        """
        credentials = await self._passwords.sign_in(email, password, admits=_is_of_staff)
        return Proof(credentials.user_id, (PASSWORD,), credentials.password_hash) if credentials else None

    async def start(self, proof: Proof) -> int:
        """Start a session and return its id; raises NotAuthenticated if the account is shut, or the proof outdated."""
        # What the digest is of does not exist: no refresh token belongs to the session.
        new = new_session(proof, secrets.token_bytes(FAMILY_DIGEST_BYTES), Session.Kind.ADMIN)
        audit = start_audit(new)
        audit = replace(audit, after={**audit.after, "kind": new.kind.value})
        return (await self._sessions.start(new, audit)).pk

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
        return principal_of(found.session, is_recently_proven=found.is_recently_proven)


def _is_of_staff(credentials: Credentials) -> bool:
    return credentials.is_staff
