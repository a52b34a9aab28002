"""Builds this app's services."""

from functools import cache

from apps.audit.dependencies import audit_trail
from apps.idempotency.dependencies import idempotent_responses
from apps.mail.dependencies import message_queue
from apps.one_time_tokens.dependencies import tokens_for, tokens_of_accounts
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.plans.dependencies import plan_service
from apps.users.repositories.account_note_repository import AccountNoteRepository
from apps.users.repositories.account_repository import AccountRepository
from apps.users.repositories.erasure_repository import ErasureRepository
from apps.users.repositories.invitation_repository import InvitationRepository
from apps.users.repositories.pending_email_repository import PendingEmailRepository
from apps.users.repositories.pending_registration_repository import PendingRegistrationRepository
from apps.users.repositories.role_repository import RoleRepository
from apps.users.repositories.user_repository import UserRepository
from apps.users.services.account_removal import AccountRemoval
from apps.users.services.account_update import AccountUpdate
from apps.users.services.confirmed_registration import ConfirmedRegistration
from apps.users.services.email_change import EmailChange
from apps.users.services.email_verification import EmailVerification
from apps.users.services.in_transaction.account_creation import AccountCreation
from apps.users.services.in_transaction.account_credentials import AccountCredentials
from apps.users.services.in_transaction.account_erasure import AccountErasure
from apps.users.services.in_transaction.accounts import Accounts, HeldScopes
from apps.users.services.in_transaction.address_messages import EmailChangeMessages, VerificationMessages
from apps.users.services.in_transaction.change_messages import ChangeMessages
from apps.users.services.in_transaction.email_changes import (
    EmailChangeRequests,
    EmailChangeTokens,
    EmailReplacement,
)
from apps.users.services.in_transaction.federated_registration import FederatedRegistration
from apps.users.services.in_transaction.invitation_acceptance import InvitationAcceptance
from apps.users.services.in_transaction.role_assignment import RoleAssignment
from apps.users.services.in_transaction.security_notifier import SecurityNotifier
from apps.users.services.invitation_service import InvitationService
from apps.users.services.link_passwords import LinkPasswords
from apps.users.services.note_service import NoteService
from apps.users.services.personal_data import UsersPersonalData
from apps.users.services.registration import Registration
from apps.users.services.role_service import RoleService
from apps.users.services.user_service import UserService

VERIFICATION_SECONDS = 24 * 3600
INVITATION_SECONDS = 7 * 24 * 3600


# --- services that open their own transactions --- -------------------------------------------------------------------


@cache
def user_service() -> UserService:
    """Return the service that shows accounts."""
    return UserService(UserRepository())


@cache
def note_service() -> NoteService:
    """Return the service for notes about accounts."""
    return NoteService(AccountNoteRepository(), user_service(), accounts(), idempotent_responses(), audit_trail())


@cache
def account_update() -> AccountUpdate:
    """Return the service that changes accounts."""
    return AccountUpdate(
        UserRepository(),
        plan_service(),
        RoleAssignment(RoleRepository()),
        _email_change_requests(),
        _email_replacement(),
        messages=ChangeMessages(message_queue()),
        audit=audit_trail(),
    )


@cache
def account_removal() -> AccountRemoval:
    """Return the service that deletes and restores accounts."""
    return AccountRemoval(UserRepository(), ErasureRepository(), tokens_of_accounts(), message_queue(), audit_trail())


@cache
def registration() -> Registration:
    """Return the service that creates accounts."""
    return Registration(
        UserRepository(), _creation(), _verification_messages(), _acceptance(), confirmed_registration()
    )


@cache
def confirmed_registration() -> ConfirmedRegistration:
    """Return the service for sign-ups that must confirm their address first."""
    tokens = tokens_for("confirm_registration", VERIFICATION_SECONDS)
    return ConfirmedRegistration(
        UserRepository(), PendingRegistrationRepository(), tokens, message_queue(), _creation()
    )


@cache
def email_verification() -> EmailVerification:
    """Return the service that verifies addresses."""
    return EmailVerification(
        AccountRepository(),
        _verification_tokens(),
        _verification_messages(),
        message_queue(),
        audit_trail(),
        LinkPasswords(AccountRepository()),
    )


@cache
def email_change() -> EmailChange:
    """Return the service that confirms and cancels changes of addresses."""
    return EmailChange(
        AccountRepository(),
        PendingEmailRepository(),
        _email_change_tokens(),
        _email_replacement(),
        audit_trail(),
        LinkPasswords(AccountRepository()),
    )


@cache
def invitation_service() -> InvitationService:
    """Return the service that sends and revokes invitations."""
    return InvitationService(
        InvitationRepository(),
        AccountRepository(),
        plan_service(),
        RoleAssignment(RoleRepository()),
        tokens=_invitation_tokens(),
        queue=message_queue(),
        audit=audit_trail(),
    )


@cache
def role_service() -> RoleService:
    """Return the role service."""
    return RoleService(RoleRepository(), audit_trail())


# --- what other apps call inside their transactions -----------------------------------------------------------------


@cache
def accounts() -> Accounts:
    """Return the service that locks accounts."""
    return Accounts(AccountRepository())


@cache
def account_credentials() -> AccountCredentials:
    """Return the service that changes accounts for signing in."""
    return AccountCredentials(AccountRepository())


@cache
def account_erasure() -> AccountErasure:
    """Return the service that erases deleted accounts."""
    return AccountErasure(ErasureRepository(), audit_trail())


@cache
def federated_registration() -> FederatedRegistration:
    """Return the service that creates accounts for users of other providers."""
    return FederatedRegistration(_creation(), _acceptance())


@cache
def scopes_of_accounts() -> HeldScopes:
    """Return the service that compares scopes with those that an account holds."""
    return HeldScopes(AccountRepository())


@cache
def security_notifier() -> SecurityNotifier:
    """Return the service that notifies owners of accounts by mail."""
    return SecurityNotifier(AccountRepository(), message_queue())


@cache
def users_personal_data() -> UsersPersonalData:
    """Return the service that erases this app's personal data."""
    return UsersPersonalData(AccountNoteRepository(), InvitationRepository(), PendingRegistrationRepository())


# --- what they share ------------------------------------------------------------------------------------------------


def _creation() -> AccountCreation:
    return AccountCreation(UserRepository(), audit_trail())


def _acceptance() -> InvitationAcceptance:
    return InvitationAcceptance(
        InvitationRepository(), AccountRepository(), RoleRepository(), _invitation_tokens(), audit_trail()
    )


def _invitation_tokens() -> OneTimeTokens:
    return tokens_for("invitation", INVITATION_SECONDS)


def _verification_tokens() -> OneTimeTokens:
    return tokens_for("verify_email", VERIFICATION_SECONDS)


def _verification_messages() -> VerificationMessages:
    return VerificationMessages(_verification_tokens(), message_queue())


def _email_change_tokens() -> EmailChangeTokens:
    names = ("confirm_email_old", "confirm_email_new", "cancel_email_change")
    return EmailChangeTokens(*(tokens_for(name, VERIFICATION_SECONDS) for name in names))


def _email_change_messages() -> EmailChangeMessages:
    return EmailChangeMessages(message_queue(), security_notifier())


def _email_change_requests() -> EmailChangeRequests:
    return EmailChangeRequests(
        PendingEmailRepository(), _email_change_tokens(), _email_change_messages(), message_queue(), audit_trail()
    )


def _email_replacement() -> EmailReplacement:
    return EmailReplacement(
        PendingEmailRepository(), tokens_of_accounts(), _email_change_messages(), _verification_messages()
    )
