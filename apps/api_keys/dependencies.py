"""Builds this room's services."""

from functools import cache

from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.api_keys.repositories.key_secret_repository import KeySecretRepository
from apps.api_keys.services.api_key_service import ApiKeyService
from apps.api_keys.services.key_secrets import KeySecrets
from apps.audit.dependencies import audit_service
from apps.users.dependencies import user_service


@cache
def api_key_service() -> ApiKeyService:
    """Return the key service."""
    users = user_service()
    return ApiKeyService(ApiKeyRepository(audit_service().record, users.lock_key_allowance), users)


@cache
def key_secrets() -> KeySecrets:
    """Return what finds secrets of keys."""
    return KeySecrets(KeySecretRepository())
