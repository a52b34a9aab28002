"""Builds this room's services."""

from functools import cache

from apps.audit.dependencies import audit_service
from apps.plans.dependencies import plan_service
from apps.users.repositories.user_repository import UserRepository
from apps.users.services.user_service import UserService


@cache
def user_service() -> UserService:
    """Return the user service."""
    return UserService(UserRepository(audit_service().record), plan_service())
