"""Builds this room's services."""

from functools import cache

from django.conf import settings

from apps.audit.dependencies import audit_service
from apps.authentication.models import Session
from apps.authentication.repositories.account_of_session import AccountOfSession
from apps.authentication.repositories.login_attempt_repository import LoginAttemptRepository
from apps.authentication.repositories.session_clean_up_repository import SessionCleanUpRepository
from apps.authentication.repositories.session_data_repository import SessionDataRepository
from apps.authentication.repositories.session_life import SessionLife
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.repositories.signing_key_repository import SigningKeyRepository
from apps.authentication.services.access_tokens import AccessTokens
from apps.authentication.services.account_sessions import AccountSessions
from apps.authentication.services.everybodys_sessions import EverybodysSessions
from apps.authentication.services.key_ring import KeyRing
from apps.authentication.services.key_rotation import KeyRotation
from apps.authentication.services.password_check import PasswordCheck
from apps.authentication.services.password_reset import PasswordReset
from apps.authentication.services.password_service import PasswordService
from apps.authentication.services.second_step import SecondStep
from apps.authentication.services.session_clean_up import SessionCleanUp
from apps.authentication.services.session_data import SessionData
from apps.authentication.services.session_service import SessionService
from apps.authentication.services.session_tokens import SessionTokens
from apps.authentication.services.sign_in import SignIn
from apps.authentication.services.staff_sessions import StaffSessions
from apps.authentication.services.step_up import StepUp
from apps.authentication.services.token_pairs import TokenPairs
from apps.mail.dependencies import mail_service
from apps.one_time_tokens.dependencies import account_tokens, one_time_tokens
from apps.second_factors.dependencies import (
    factor_rights,
    passkey_second_factor,
    passkey_sign_in,
    passkey_step_up,
    second_factors,
)
from apps.users.dependencies import email_verification, security_notices, user_service

RESET_SECONDS = 30 * 60
SECOND_STEP_SECONDS = 5 * 60


@cache
def key_ring() -> KeyRing:
    """Return the ring of signing keys."""
    return KeyRing(signing_key_repository())


@cache
def key_rotation() -> KeyRotation:
    """Return the service that changes the signing key."""
    return KeyRotation(signing_key_repository())


@cache
def password_check() -> PasswordCheck:
    """Return the judge of passwords."""
    return PasswordCheck(LoginAttemptRepository(), user_service(), audit_service().note)


@cache
def access_tokens() -> AccessTokens:
    """Return what issues and reads access tokens."""
    return AccessTokens(key_ring(), issuer=settings.TOKEN_ISSUER, audience=settings.TOKEN_AUDIENCE)


@cache
def sign_in() -> SignIn:
    """Return the service that starts sessions."""
    pairs = TokenPairs(access_tokens())
    return SignIn(
        session_repository(),
        pairs,
        password_check(),
        passkey_sign_in(),
        second_step(),
        remind=email_verification().remind,
        note=audit_service().note,
    )


@cache
def second_step() -> SecondStep:
    """Return the service that completes sign-ins by a second factor."""
    return _second_step("second_factor")


@cache
def staff_second_step() -> SecondStep:
    """Return the service that completes sign-ins to the admin, whose tokens are good for nothing else."""
    return _second_step("staff_second_factor")


@cache
def session_service() -> SessionService:
    """Return the service for sessions that go on, and end."""
    return SessionService(session_repository(), access_tokens(), TokenPairs(access_tokens()))


@cache
def session_tokens() -> SessionTokens:
    """Return what tells what the tokens of sessions stand for."""
    return SessionTokens(session_repository(), access_tokens())


@cache
def account_sessions() -> AccountSessions:
    """Return the service for the sessions of any account."""
    return AccountSessions(session_repository(), user_service())


@cache
def everybodys_sessions() -> EverybodysSessions:
    """Return the service that signs everybody out."""
    return EverybodysSessions(session_repository())


@cache
def staff_sessions() -> StaffSessions:
    """Return the service for sessions of the admin."""
    return StaffSessions(session_repository(), password_check(), staff_second_step())


@cache
def step_up() -> StepUp:
    """Return the service that renews the proof of a session."""
    return StepUp(session_repository(), password_check(), user_service(), second_factors(), passkey_step_up())


@cache
def password_service() -> PasswordService:
    """Return the service that sets passwords."""
    return PasswordService(session_repository(), password_check(), user_service(), factor_rights())


@cache
def password_reset() -> PasswordReset:
    """Return the service that sets forgotten passwords."""
    tokens = one_time_tokens("reset_password", RESET_SECONDS)
    return PasswordReset(
        user_service(),
        session_repository(),
        LoginAttemptRepository(),
        tokens,
        mail_service().post,
        audit_service().record,
    )


@cache
def session_data() -> SessionData:
    """Return what exports and erases sessions."""
    return SessionData(SessionDataRepository(), LoginAttemptRepository())


@cache
def session_clean_up() -> SessionCleanUp:
    """Return the service that removes what is over."""
    return SessionCleanUp(SessionCleanUpRepository())


@cache
def signing_key_repository() -> SigningKeyRepository:
    """Return the repository of signing keys, which writes audit events in its transactions."""
    return SigningKeyRepository(audit_service().record)


@cache
def session_repository() -> SessionRepository:
    """Return the repository of sessions, which writes accounts and audit events in its transactions."""
    users = user_service()
    account = AccountOfSession(
        lock=users.lock_account,
        note_login=users.note_login,
        set_password=users.set_password,
        void_tokens=account_tokens().void_all,
        has_second_factor=second_factors().has_one,
    )
    lives: dict[str, SessionLife] = {
        Session.Kind.API: SessionLife.of_seconds(settings.SESSION_IDLE_SECONDS, settings.SESSION_ABSOLUTE_SECONDS),
        Session.Kind.ADMIN: SessionLife.of_seconds(
            settings.STAFF_SESSION_IDLE_SECONDS, settings.STAFF_SESSION_ABSOLUTE_SECONDS
        ),
    }
    return SessionRepository(audit_service().record, security_notices().post, account, lives)


def _second_step(purpose: str) -> SecondStep:
    tokens = one_time_tokens(purpose, SECOND_STEP_SECONDS)
    return SecondStep(second_factors(), passkey_second_factor(), tokens, audit_service().note)
