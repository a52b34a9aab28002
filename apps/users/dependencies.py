"""Builds this room's services."""

from functools import cache

from apps.audit.dependencies import audit_service
from apps.mail.dependencies import mail_service
from apps.plans.dependencies import plan_service
from apps.users.repositories.mail_address_repository import MailAddressRepository
from apps.users.repositories.user_repository import UserRepository
from apps.users.services.registration import Registration
from apps.users.services.security_notices import SecurityNotices
from apps.users.services.user_service import UserService


@cache
def user_service() -> UserService:
    """Return the user service."""
    return UserService(user_repository(), plan_service())


@cache
def registration() -> Registration:
    """Return the service that makes accounts."""
    return Registration(user_repository())


@cache
def security_notices() -> SecurityNotices:
    """Return what tells owners of accounts by mail what was done to them."""
    return SecurityNotices(MailAddressRepository(), mail_service().post)


@cache
def user_repository() -> UserRepository:
    """Return the repository of accounts, which writes audit events in its transactions."""
    return UserRepository(audit_service().record)
