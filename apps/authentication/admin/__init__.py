"""Sessions in the admin, and what signing in adds to the pages of accounts."""

from apps.authentication.admin.session_admin import SessionAdmin

__all__ = ["SessionAdmin"]
