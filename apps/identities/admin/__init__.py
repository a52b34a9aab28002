"""The admin pages of identities."""

from apps.identities.admin.identity_admin import IdentityAdmin

__all__ = ["IdentityAdmin"]
