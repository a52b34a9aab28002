"""Builds this app's services."""

from functools import cache

from django.conf import settings

from apps.api_keys.dependencies import key_review_links, key_revocation
from apps.audit.dependencies import audit_trail
from apps.authentication.domain.session_rules import SessionLifetime
from apps.authentication.models import Session
from apps.authentication.repositories.live_session_repository import LiveSessionRepository
from apps.authentication.repositories.login_attempt_repository import LoginAttemptRepository
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.repositories.signing_key_repository import SigningKeyRepository
from apps.authentication.services.in_transaction.password_replacement import AccountTakeover, PasswordReplacement
from apps.authentication.services.in_transaction.session_revocation import SessionRevocation
from apps.authentication.services.lockouts import Lockouts
from apps.authentication.services.password_check import PasswordCheck
from apps.authentication.services.password_reset import PasswordReset
from apps.authentication.services.password_service import PasswordService
from apps.authentication.services.personal_data import AuthenticationPersonalData
from apps.authentication.services.reauthentication import Reauthentication, SessionAuthentication
from apps.authentication.services.second_step import SecondStep
from apps.authentication.services.session_refresh import SessionRefresh
from apps.authentication.services.session_service import AccountSessions, SessionService
from apps.authentication.services.session_tokens import SessionTokens
from apps.authentication.services.sign_in import SessionStart, SignIn
from apps.authentication.services.signed_tokens import AccessTokens
from apps.authentication.services.signing_keys import KeyRing, KeyRotation
from apps.authentication.services.staff_sessions import StaffSessions
from apps.mail.dependencies import message_queue
from apps.one_time_tokens.dependencies import tokens_for, tokens_of_accounts
from apps.second_factors.dependencies import (
    code_locks,
    factor_check,
    factor_rights,
    factor_set,
    passkey_second_factor,
    passkey_sign_in,
    passkey_step_up,
    second_factors,
)
from apps.users.dependencies import (
    account_credentials,
    accounts,
    email_verification,
    security_notifier,
    user_service,
)

RESET_SECONDS = 30 * 60
SECOND_STEP_SECONDS = 5 * 60


@cache
def key_ring() -> KeyRing:
    """Return the ring of signing keys."""
    return KeyRing(SigningKeyRepository(), settings.TOKEN_SIGNING_ALGORITHM)


@cache
def key_rotation() -> KeyRotation:
    """Return the service that rotates the signing key."""
    return KeyRotation(SigningKeyRepository(), audit_trail(), settings.TOKEN_SIGNING_ALGORITHM)


@cache
def access_tokens() -> AccessTokens:
    """Return the service that issues and reads the access tokens of sessions."""
    return AccessTokens(key_ring(), issuer=settings.TOKEN_ISSUER, audience=settings.TOKEN_AUDIENCE)


@cache
def password_check() -> PasswordCheck:
    """Return the service that checks passwords and locks out clients that guess them."""
    return PasswordCheck(LoginAttemptRepository(), account_credentials(), audit_trail())


@cache
def lockouts() -> Lockouts:
    """Return the service that shows and ends the lockouts of accounts."""
    return Lockouts(LoginAttemptRepository(), code_locks(), user_service(), accounts(), audit_trail())


@cache
def sign_in() -> SignIn:
    """Return the service that signs in to the API."""
    return SignIn(
        session_start(), password_check(), passkey_sign_in(), second_step(), email_verification(), access_tokens()
    )


@cache
def session_start() -> SessionStart:
    """Return the service that starts sessions of the API and of the admin."""
    return SessionStart(
        SessionRepository(),
        session_lifetimes(),
        account_credentials(),
        factor_check(),
        security_notifier(),
        audit_trail(),
    )


@cache
def second_step() -> SecondStep:
    """Return the service that completes sign-ins to the API by a second factor."""
    return _second_step("second_factor")


@cache
def staff_second_step() -> SecondStep:
    """Return the service that completes sign-ins to the admin, with tokens that are valid only there."""
    return _second_step("staff_second_factor")


@cache
def session_refresh() -> SessionRefresh:
    """Return the service that exchanges refresh tokens."""
    return SessionRefresh(SessionRepository(), session_lifetimes(), access_tokens(), security_notifier(), audit_trail())


@cache
def session_service() -> SessionService:
    """Return the service for the sessions of callers."""
    return SessionService(LiveSessionRepository(), session_revocation(), access_tokens())


@cache
def session_tokens() -> SessionTokens:
    """Return the service that reads the tokens of sessions without spending them."""
    return SessionTokens(LiveSessionRepository(), access_tokens())


@cache
def session_revocation() -> SessionRevocation:
    """Return the service that ends sessions in the caller's transaction."""
    return SessionRevocation(SessionRepository(), audit_trail())


@cache
def account_sessions() -> AccountSessions:
    """Return the service for the sessions of any account, and of all."""
    return AccountSessions(LiveSessionRepository(), session_revocation(), user_service(), accounts())


@cache
def staff_sessions() -> StaffSessions:
    """Return the service for sessions of the admin."""
    return StaffSessions(
        session_start(), LiveSessionRepository(), session_lifetimes(), password_check(), staff_second_step()
    )


@cache
def session_authentication() -> SessionAuthentication:
    """Return the service that records how and when the owner of a session has authenticated."""
    return SessionAuthentication(SessionRepository(), accounts(), factor_check(), audit_trail())


@cache
def reauthentication() -> Reauthentication:
    """Return the service that authenticates the owner of a session again."""
    return Reauthentication(
        session_authentication(), password_check(), account_credentials(), second_factors(), passkey_step_up()
    )


@cache
def password_service() -> PasswordService:
    """Return the service that changes and sets passwords."""
    return PasswordService(password_check(), account_credentials(), factor_rights(), password_replacement())


@cache
def password_reset() -> PasswordReset:
    """Return the service that sets forgotten passwords."""
    return PasswordReset(
        accounts(),
        account_credentials(),
        password_replacement(),
        LoginAttemptRepository(),
        tokens=tokens_for("reset_password", RESET_SECONDS),
        queue=message_queue(),
        audit=audit_trail(),
    )


@cache
def password_replacement() -> PasswordReplacement:
    """Return the service that replaces passwords in the caller's transaction."""
    return PasswordReplacement(
        account_credentials(),
        session_revocation(),
        tokens_of_accounts(),
        security_notifier(),
        audit_trail(),
        reviews=key_review_links(),
        takeover=AccountTakeover(key_revocation(), factor_set()),
    )


@cache
def authentication_personal_data() -> AuthenticationPersonalData:
    """Return the service that exports and erases the personal data of sessions and login attempts."""
    return AuthenticationPersonalData(SessionRepository(), LoginAttemptRepository())


@cache
def session_lifetimes() -> dict[str, SessionLifetime]:
    """Return how long sessions of each kind last."""
    return {
        Session.Kind.API: SessionLifetime.of_seconds(settings.SESSION_IDLE_SECONDS, settings.SESSION_ABSOLUTE_SECONDS),
        Session.Kind.ADMIN: SessionLifetime.of_seconds(
            settings.STAFF_SESSION_IDLE_SECONDS, settings.STAFF_SESSION_ABSOLUTE_SECONDS
        ),
    }


def _second_step(purpose: str) -> SecondStep:
    tokens = tokens_for(purpose, SECOND_STEP_SECONDS)
    return SecondStep(second_factors(), passkey_second_factor(), tokens, audit_trail())
