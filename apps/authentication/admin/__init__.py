"""The sessions' admin pages."""

from apps.authentication.admin.session_admin import SessionAdmin

__all__ = ["SessionAdmin"]
