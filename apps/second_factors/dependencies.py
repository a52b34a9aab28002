"""Builds this app's services."""

from functools import cache

from django.conf import settings

from apps.audit.dependencies import audit_service
from apps.one_time_tokens.dependencies import one_time_tokens
from apps.second_factors.repositories.code_repository import CodeRepository
from apps.second_factors.repositories.factor_attempt_repository import FactorAttemptRepository
from apps.second_factors.repositories.factor_changes import FactorChanges
from apps.second_factors.repositories.factor_repository import FactorRepository
from apps.second_factors.repositories.passkey_repository import PasskeyRepository
from apps.second_factors.repositories.totp_repository import TotpRepository
from apps.second_factors.services.attempt_clean_up import AttemptCleanUp
from apps.second_factors.services.factor_rights import FactorRights
from apps.second_factors.services.in_transaction.factor_check import FactorCheck
from apps.second_factors.services.passkey_enrolment import PasskeyEnrolment
from apps.second_factors.services.passkey_proof import PasskeyProof
from apps.second_factors.services.relying_party import RelyingParty
from apps.second_factors.services.second_factors import SecondFactors
from apps.second_factors.services.totp_enrolment import TotpEnrolment, match_step
from apps.users.dependencies import security_notices, user_service

CHALLENGE_SECONDS = 5 * 60


@cache
def second_factors() -> SecondFactors:
    """Return the service that says what accounts have, and judges codes."""
    passkeys = PasskeyRepository(_changes())
    users, rights = user_service(), factor_rights()
    return SecondFactors(_factors(), _codes(), _devices(), passkeys, users, rights)


@cache
def factor_check() -> FactorCheck:
    """Return what looks for second factors in the caller's transaction."""
    return FactorCheck(_factors())


@cache
def attempt_clean_up() -> AttemptCleanUp:
    """Return the service that removes counts of wrong codes."""
    return AttemptCleanUp(FactorAttemptRepository())


@cache
def factor_rights() -> FactorRights:
    """Return the judge of who may change an account's second factors."""
    return FactorRights(_factors(), user_service())


@cache
def totp_enrolment() -> TotpEnrolment:
    """Return the service for programs that show codes."""
    return TotpEnrolment(_devices(), user_service(), factor_rights(), settings.PRODUCT_NAME)


@cache
def passkey_enrolment() -> PasskeyEnrolment:
    """Return the service that registers passkeys."""
    challenges = one_time_tokens("passkey_registration", CHALLENGE_SECONDS)
    passkeys = PasskeyRepository(_changes())
    return PasskeyEnrolment(passkeys, user_service(), factor_rights(), _party(), challenges)


@cache
def passkey_sign_in() -> PasskeyProof:
    """Return the judge of passkeys that are the only proof."""
    return _passkey_proof("passkey_sign_in", is_passwordless=True)


@cache
def passkey_second_factor() -> PasskeyProof:
    """Return the judge of passkeys that follow another proof at sign-in."""
    return _passkey_proof("passkey_second_factor", is_passwordless=False)


@cache
def passkey_step_up() -> PasskeyProof:
    """Return the judge of passkeys that renew the proof of a session."""
    return _passkey_proof("passkey_step_up", is_passwordless=False)


def _passkey_proof(purpose: str, *, is_passwordless: bool) -> PasskeyProof:
    challenges = one_time_tokens(purpose, CHALLENGE_SECONDS)
    passkeys = PasskeyRepository(_changes())
    return PasskeyProof(passkeys, _party(), challenges, audit_service().note, is_passwordless=is_passwordless)


def _factors() -> FactorRepository:
    return FactorRepository(_changes(), user_service().end_sessions)


def _party() -> RelyingParty:
    return RelyingParty(settings.PASSKEY_DOMAIN, settings.PRODUCT_NAME, settings.PASSKEY_ORIGINS)


def _devices() -> TotpRepository:
    return TotpRepository(_changes(), _codes())


def _codes() -> CodeRepository:
    return CodeRepository(_changes(), FactorAttemptRepository(), match_step)


def _changes() -> FactorChanges:
    accounts = user_service()
    return FactorChanges(accounts.lock_account, accounts.end_proofs, audit_service().record, security_notices().post)
