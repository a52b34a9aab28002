"""What goes in and out about keys."""

from apps.api_keys.schemas.api_key_actions import ApiKeyRevoke, ApiKeyRotate
from apps.api_keys.schemas.api_key_create import ApiKeyCreate
from apps.api_keys.schemas.api_key_out import ApiKeyOut, ApiKeyWithSecret
from apps.api_keys.schemas.api_key_update import ApiKeyUpdate

__all__ = ["ApiKeyCreate", "ApiKeyOut", "ApiKeyRevoke", "ApiKeyRotate", "ApiKeyUpdate", "ApiKeyWithSecret"]
