"""Accounts, invitations and roles in the admin."""

from apps.users.admin.invitation_admin import InvitationAdmin
from apps.users.admin.role_admin import RoleAdmin
from apps.users.admin.user_admin import UserAdmin

__all__ = ["InvitationAdmin", "RoleAdmin", "UserAdmin"]
