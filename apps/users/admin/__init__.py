"""The accounts' admin pages."""

from apps.users.admin.user_admin import UserAdmin

__all__ = ["UserAdmin"]
