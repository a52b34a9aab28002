"""Builds this room's services."""

from functools import cache

from apps.audit.dependencies import audit_service
from apps.mail.dependencies import mail_service
from apps.one_time_tokens.dependencies import one_time_tokens
from apps.one_time_tokens.services.one_time_tokens import OneTimeTokens
from apps.plans.dependencies import plan_service
from apps.users.repositories.mail_address_repository import MailAddressRepository
from apps.users.repositories.user_repository import UserRepository
from apps.users.services.email_verification import EmailVerification
from apps.users.services.registration import Registration
from apps.users.services.security_notices import SecurityNotices
from apps.users.services.user_service import UserService
from apps.users.services.verification_letters import VerificationLetters

VERIFICATION_SECONDS = 24 * 3600


@cache
def user_service() -> UserService:
    """Return the user service."""
    return UserService(user_repository(), plan_service())


@cache
def registration() -> Registration:
    """Return the service that makes accounts."""
    return Registration(user_repository())


@cache
def email_verification() -> EmailVerification:
    """Return the service that verifies addresses."""
    return EmailVerification(user_repository(), verification_tokens(), verification_letters(), audit_service().record)


@cache
def verification_letters() -> VerificationLetters:
    """Return what posts links that verify addresses."""
    return VerificationLetters(verification_tokens(), mail_service().post)


@cache
def verification_tokens() -> OneTimeTokens:
    """Return the tokens that verify addresses."""
    return one_time_tokens("verify_email", VERIFICATION_SECONDS)


@cache
def security_notices() -> SecurityNotices:
    """Return what tells owners of accounts by mail what was done to them."""
    return SecurityNotices(MailAddressRepository(), mail_service().post)


@cache
def user_repository() -> UserRepository:
    """Return the repository of accounts, which writes audit events in its transactions."""
    return UserRepository(audit_service().record, verification_letters().send)
