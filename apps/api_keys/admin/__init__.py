"""The admin pages of API keys."""

from apps.api_keys.admin.api_key_admin import ApiKeyAdmin

__all__ = ["ApiKeyAdmin"]
