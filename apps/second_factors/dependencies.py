"""Builds this app's services."""

from functools import cache

from django.conf import settings

from apps.audit.dependencies import audit_trail
from apps.idempotency.dependencies import idempotent_responses
from apps.one_time_tokens.dependencies import tokens_for
from apps.second_factors.repositories.factor_attempt_repository import FactorAttemptRepository
from apps.second_factors.repositories.factor_repository import FactorRepository
from apps.second_factors.repositories.passkey_repository import PasskeyRepository
from apps.second_factors.repositories.recovery_code_repository import RecoveryCodeRepository
from apps.second_factors.repositories.totp_repository import TotpRepository
from apps.second_factors.services.factor_recovery import FactorRecovery
from apps.second_factors.services.factor_removal import FactorRemoval
from apps.second_factors.services.factor_rights import FactorRights
from apps.second_factors.services.in_transaction.account_factors import FactorChanges, FactorCheck, FactorSet
from apps.second_factors.services.in_transaction.code_locks import CodeLocks
from apps.second_factors.services.in_transaction.code_verification import CodeVerification
from apps.second_factors.services.passkey_authentication import PasskeyAuthentication
from apps.second_factors.services.passkey_enrolment import PasskeyEnrolment
from apps.second_factors.services.personal_data import SecondFactorsPersonalData
from apps.second_factors.services.relying_party import RelyingParty
from apps.second_factors.services.second_factors import SecondFactors
from apps.second_factors.services.totp_enrolment import TotpEnrolment
from apps.users.dependencies import account_credentials, accounts, security_notifier, user_service

CHALLENGE_SECONDS = 5 * 60


@cache
def second_factors() -> SecondFactors:
    """Return the service that shows which factors accounts have, and verifies codes."""
    repositories = FactorRepository(), TotpRepository(), PasskeyRepository()
    return SecondFactors(*repositories, user_service(), accounts(), code_verification())


@cache
def factor_recovery() -> FactorRecovery:
    """Return the service that replaces recovery codes and resets second factors."""
    return FactorRecovery(
        factor_rights(),
        accounts(),
        FactorRepository(),
        RecoveryCodeRepository(),
        credentials=account_credentials(),
        audit=audit_trail(),
        notifier=security_notifier(),
        responses=idempotent_responses(),
    )


@cache
def factor_removal() -> FactorRemoval:
    """Return the service that removes single factors for staff."""
    return FactorRemoval(
        factor_rights(),
        accounts(),
        TotpRepository(),
        PasskeyRepository(),
        factor_set(),
        credentials=account_credentials(),
        audit=audit_trail(),
        notifier=security_notifier(),
    )


@cache
def factor_rights() -> FactorRights:
    """Return the service that decides who may change an account's second factors."""
    return FactorRights(FactorRepository(), user_service())


@cache
def factor_check() -> FactorCheck:
    """Return the service that looks for second factors in the caller's transaction."""
    return FactorCheck(FactorRepository())


@cache
def code_locks() -> CodeLocks:
    """Return the service that lifts the locks of accounts' codes in the caller's transaction."""
    return CodeLocks(FactorAttemptRepository())


@cache
def code_verification() -> CodeVerification:
    """Return the service that verifies codes in the caller's transaction."""
    repositories = FactorAttemptRepository(), TotpRepository(), RecoveryCodeRepository()
    return CodeVerification(*repositories, audit_trail(), security_notifier())


@cache
def factor_set() -> FactorSet:
    """Return the service that updates sessions and recovery codes when factors change, in the caller's transaction."""
    return FactorSet(FactorRepository(), RecoveryCodeRepository(), account_credentials())


@cache
def factor_changes() -> FactorChanges:
    """Return the service that records changes of factors, in the caller's transaction."""
    return FactorChanges(audit_trail(), security_notifier())


@cache
def totp_enrolment() -> TotpEnrolment:
    """Return the service for authenticator apps."""
    return TotpEnrolment(
        TotpRepository(),
        factor_rights(),
        accounts(),
        factor_set(),
        code_verification(),
        changes=factor_changes(),
        responses=idempotent_responses(),
        issuer=settings.PRODUCT_NAME,
    )


@cache
def passkey_enrolment() -> PasskeyEnrolment:
    """Return the service that registers passkeys."""
    return PasskeyEnrolment(
        PasskeyRepository(),
        factor_rights(),
        relying_party(),
        tokens_for("passkey_registration", CHALLENGE_SECONDS),
        accounts=accounts(),
        factors=factor_set(),
        changes=factor_changes(),
        responses=idempotent_responses(),
    )


@cache
def passkey_sign_in() -> PasskeyAuthentication:
    """Return the service for passkeys that are the only authentication."""
    return _passkey_authentication("passkey_sign_in", is_passwordless=True)


@cache
def passkey_second_factor() -> PasskeyAuthentication:
    """Return the service for passkeys that complete a sign-in."""
    return _passkey_authentication("passkey_second_factor", is_passwordless=False)


@cache
def passkey_step_up() -> PasskeyAuthentication:
    """Return the service for passkeys that re-authenticate a session."""
    return _passkey_authentication("passkey_step_up", is_passwordless=False)


@cache
def personal_data() -> SecondFactorsPersonalData:
    """Return the service that exports and erases second factors."""
    return SecondFactorsPersonalData(FactorRepository(), second_factors())


@cache
def relying_party() -> RelyingParty:
    """Return Keyhouse as a WebAuthn relying party."""
    return RelyingParty(settings.PASSKEY_DOMAIN, settings.PRODUCT_NAME, settings.PASSKEY_ORIGINS)


def _passkey_authentication(purpose: str, *, is_passwordless: bool) -> PasskeyAuthentication:
    return PasskeyAuthentication(
        PasskeyRepository(),
        relying_party(),
        tokens_for(purpose, CHALLENGE_SECONDS),
        accounts(),
        audit=audit_trail(),
        notifier=security_notifier(),
        is_passwordless=is_passwordless,
    )
