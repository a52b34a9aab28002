"""API keys and their secrets."""

from apps.api_keys.models.api_key import ApiKey, has_state, key_state
from apps.api_keys.models.api_key_counter import ApiKeyCounter
from apps.api_keys.models.api_key_secret import ApiKeySecret

__all__ = ["ApiKey", "ApiKeyCounter", "ApiKeySecret", "has_state", "key_state"]
