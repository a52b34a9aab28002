"""Builds this room's services."""

from functools import cache

from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.api_keys.repositories.key_data_repository import KeyDataRepository
from apps.api_keys.repositories.key_secret_repository import KeySecretRepository
from apps.api_keys.services.api_key_service import ApiKeyService
from apps.api_keys.services.key_data import KeyData
from apps.api_keys.services.key_secrets import KeySecrets
from apps.audit.dependencies import audit_service
from apps.users.dependencies import user_service


@cache
def api_key_service() -> ApiKeyService:
    """Return the key service."""
    return ApiKeyService(api_key_repository(), user_service())


@cache
def key_data() -> KeyData:
    """Return what exports and erases keys."""
    return KeyData(api_key_repository(), KeyDataRepository(), user_service())


@cache
def key_secrets() -> KeySecrets:
    """Return what finds secrets of keys."""
    return KeySecrets(KeySecretRepository())


@cache
def api_key_repository() -> ApiKeyRepository:
    """Return the repository of keys, which writes audit events in its transactions."""
    users = user_service()
    return ApiKeyRepository(audit_service().record, users.lock_key_allowance, users.require_held)
