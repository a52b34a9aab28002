"""Builds this room's services."""

from functools import cache

from apps.audit.dependencies import audit_service, audit_trail
from apps.mail.dependencies import mail_service, message_queue
from apps.one_time_tokens.dependencies import account_tokens, one_time_tokens, tokens_for
from apps.one_time_tokens.services.old_one_time_tokens import OneTimeTokens
from apps.plans.dependencies import plan_service
from apps.users.repositories.account_repository import AccountRepository
from apps.users.repositories.erasure_repository import ErasureRepository
from apps.users.repositories.invitation_repository import InvitationRepository
from apps.users.repositories.mail_address_repository import MailAddressRepository
from apps.users.repositories.old_invitation_repository import OldInvitationRepository
from apps.users.repositories.old_user_repository import OldUserRepository
from apps.users.repositories.pending_email_repository import PendingEmailRepository
from apps.users.repositories.pending_registration_repository import PendingRegistrationRepository
from apps.users.repositories.role_repository import RoleRepository
from apps.users.repositories.user_repository import UserRepository
from apps.users.services.account_removal import AccountRemoval
from apps.users.services.confirmed_registration import ConfirmedRegistration
from apps.users.services.email_change import EmailChange, EmailChangeTokens
from apps.users.services.email_change_letters import EmailChangeLetters
from apps.users.services.email_change_limits import EmailChangeLimits
from apps.users.services.email_verification import EmailVerification
from apps.users.services.in_transaction.account_creation import AccountCreation
from apps.users.services.in_transaction.account_credentials import AccountCredentials
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.in_transaction.federated_registration import FederatedRegistration
from apps.users.services.in_transaction.held_scopes import HeldScopes
from apps.users.services.in_transaction.invitation_acceptance import InvitationAcceptance
from apps.users.services.in_transaction.security_notifier import SecurityNotifier
from apps.users.services.invitation_service import InvitationService
from apps.users.services.registration import Registration
from apps.users.services.role_service import RoleService
from apps.users.services.security_notices import SecurityNotices
from apps.users.services.user_service import UserService
from apps.users.services.verification_letters import VerificationLetters

VERIFICATION_SECONDS = 24 * 3600
INVITATION_SECONDS = 7 * 24 * 3600


@cache
def user_service() -> UserService:
    """Return the user service."""
    return UserService(user_repository(), plan_service(), email_change())


@cache
def accounts() -> Accounts:
    """Return what locks accounts in the caller's transaction."""
    return Accounts(AccountRepository())


@cache
def account_credentials() -> AccountCredentials:
    """Return what changes accounts for signing in, in the caller's transaction."""
    return AccountCredentials(AccountRepository())


@cache
def scopes_of_accounts() -> HeldScopes:
    """Return what compares scopes with those that an account holds, in the caller's transaction."""
    return HeldScopes(AccountRepository())


@cache
def security_notifier() -> SecurityNotifier:
    """Return what notifies owners of accounts by mail, in the caller's transaction."""
    return SecurityNotifier(MailAddressRepository(), message_queue())


@cache
def federated_registration() -> FederatedRegistration:
    """Return what creates accounts for users of other providers, in the caller's transaction."""
    acceptance = InvitationAcceptance(
        InvitationRepository(), tokens_for("invitation", INVITATION_SECONDS), audit_trail()
    )
    return FederatedRegistration(AccountCreation(UserRepository(), audit_trail()), acceptance)


@cache
def registration() -> Registration:
    """Return the service that makes accounts."""
    return Registration(user_repository(), confirmed_registration(), invitation_service())


@cache
def confirmed_registration() -> ConfirmedRegistration:
    """Return the service for sign-ups whose address has to be confirmed first."""
    tokens = one_time_tokens("confirm_registration", VERIFICATION_SECONDS)
    return ConfirmedRegistration(user_repository(), PendingRegistrationRepository(), tokens, mail_service().post)


@cache
def invitation_service() -> InvitationService:
    """Return the service that invites."""
    tokens = one_time_tokens("invitation", INVITATION_SECONDS)
    invitations = OldInvitationRepository(audit_service().record)
    return InvitationService(invitations, user_repository(), plan_service(), tokens, mail_service().post)


@cache
def email_verification() -> EmailVerification:
    """Return the service that verifies addresses."""
    tokens, letters = verification_tokens(), verification_letters()
    return EmailVerification(user_repository(), tokens, letters, mail_service(), audit_service().record)


@cache
def account_removal() -> AccountRemoval:
    """Return the service that deletes accounts, restores and erases them."""
    audit = audit_service().record
    void_tokens = account_tokens().void_all
    return AccountRemoval(user_repository(), ErasureRepository(audit), void_tokens, mail_service().post, audit)


@cache
def email_change() -> EmailChange:
    """Return the service that changes addresses."""
    names = ("confirm_email_old", "confirm_email_new", "cancel_email_change")
    tokens = EmailChangeTokens(*(one_time_tokens(name, VERIFICATION_SECONDS) for name in names))
    letters = EmailChangeLetters(
        mail_service().post, security_notices(), verification_letters(), account_tokens().void_all
    )
    limits = EmailChangeLimits(mail_service())
    return EmailChange(user_repository(), PendingEmailRepository(), tokens, letters, limits, audit_service().record)


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
def user_repository() -> OldUserRepository:
    """Return the repository of accounts, which writes audit events in its transactions."""
    return OldUserRepository(audit_service().record, role_repository(), verification_letters().send)


@cache
def role_service() -> RoleService:
    """Return the role service."""
    return RoleService(role_repository())


@cache
def role_repository() -> RoleRepository:
    """Return the repository of roles, which writes audit events in its transactions."""
    return RoleRepository(audit_service().record)
