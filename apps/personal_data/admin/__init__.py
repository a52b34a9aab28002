"""The operations that this app adds to the pages of accounts."""

from apps.personal_data.admin import account_operations

__all__ = ["account_operations"]
