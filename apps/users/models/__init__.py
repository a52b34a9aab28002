"""Accounts, roles, invitations and pending registrations."""

from apps.users.models.account_note import AccountNote
from apps.users.models.invitation import Invitation
from apps.users.models.pending_registration import PendingRegistration
from apps.users.models.role import Role
from apps.users.models.role_scope import RoleScope
from apps.users.models.staff_member import StaffMember
from apps.users.models.user import OF_STAFF, User, UserManager

__all__ = [
    "OF_STAFF",
    "AccountNote",
    "Invitation",
    "PendingRegistration",
    "Role",
    "RoleScope",
    "StaffMember",
    "User",
    "UserManager",
]
