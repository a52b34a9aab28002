"""Builds this room's services."""

from functools import cache

from apps.audit.dependencies import audit_service
from apps.plans.dependencies import plan_service
from apps.users.repositories.role_repository import RoleRepository
from apps.users.repositories.user_repository import UserRepository
from apps.users.services.role_service import RoleService
from apps.users.services.user_service import UserService


@cache
def user_service() -> UserService:
    """Return the user service."""
    return UserService(UserRepository(audit_service().record, role_repository()), plan_service())


@cache
def role_service() -> RoleService:
    """Return the role service."""
    return RoleService(role_repository())


@cache
def role_repository() -> RoleRepository:
    """Return the repository of roles, which writes audit events in its transactions."""
    return RoleRepository(audit_service().record)
