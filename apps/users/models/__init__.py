"""Accounts."""

from apps.users.models.user import User
from apps.users.models.user_manager import UserManager

__all__ = ["User", "UserManager"]
