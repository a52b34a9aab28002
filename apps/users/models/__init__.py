"""Accounts and their roles."""

from apps.users.models.role import Role
from apps.users.models.role_scope import RoleScope
from apps.users.models.user import User
from apps.users.models.user_manager import UserManager

__all__ = ["Role", "RoleScope", "User", "UserManager"]
