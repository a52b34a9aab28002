"""Accounts in the admin."""

from apps.users.admin.invitation_admin import InvitationAdmin
from apps.users.admin.user_admin import UserAdmin

__all__ = ["InvitationAdmin", "UserAdmin"]
