"""What signing in adds to the pages of accounts."""

from apps.authentication.admin import account_operations

__all__ = ["account_operations"]
