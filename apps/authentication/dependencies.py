"""Builds this room's services."""

from functools import cache

from django.conf import settings

from apps.audit.dependencies import audit_service
from apps.authentication.repositories.login_attempt_repository import LoginAttemptRepository
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.repositories.signing_key_repository import SigningKeyRepository
from apps.authentication.services.access_tokens import AccessTokens
from apps.authentication.services.authentication_service import AuthenticationService
from apps.authentication.services.key_ring import KeyRing
from apps.authentication.services.password_check import PasswordCheck
from apps.users.dependencies import user_service


@cache
def key_ring() -> KeyRing:
    """Return the ring of signing keys."""
    return KeyRing(SigningKeyRepository())


@cache
def password_check() -> PasswordCheck:
    """Return the judge of passwords."""
    return PasswordCheck(LoginAttemptRepository(), user_service())


@cache
def authentication_service() -> AuthenticationService:
    """Return the authentication service."""
    users = user_service()
    sessions = SessionRepository(audit_service().record, users.set_password, users.note_login)
    tokens = AccessTokens(key_ring(), issuer=settings.TOKEN_ISSUER, audience=settings.TOKEN_AUDIENCE)
    return AuthenticationService(sessions, tokens, password_check(), users)
