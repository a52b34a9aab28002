"""The accounts' and roles' admin pages."""

from apps.users.admin.role_admin import RoleAdmin
from apps.users.admin.user_admin import UserAdmin

__all__ = ["RoleAdmin", "UserAdmin"]
