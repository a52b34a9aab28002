"""Accounts."""

from apps.users.models.invitation import Invitation
from apps.users.models.pending_registration import PendingRegistration
from apps.users.models.user import User
from apps.users.models.user_manager import UserManager

__all__ = ["Invitation", "PendingRegistration", "User", "UserManager"]
