"""Accounts, roles, invitations and pending registrations."""

from apps.users.models.invitation import Invitation
from apps.users.models.pending_registration import PendingRegistration
from apps.users.models.role import Role
from apps.users.models.role_scope import RoleScope
from apps.users.models.user import User, UserManager

__all__ = ["Invitation", "PendingRegistration", "Role", "RoleScope", "User", "UserManager"]
