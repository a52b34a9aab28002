"""Builds this app's services."""

from functools import cache

from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.api_keys.repositories.key_secret_repository import KeySecretRepository
from apps.api_keys.services.api_key_service import ApiKeyService
from apps.api_keys.services.key_secrets import KeySecrets
from apps.api_keys.services.personal_data import ApiKeyPersonalData
from apps.audit.dependencies import audit_trail
from apps.idempotency.dependencies import idempotent_responses
from apps.users.dependencies import accounts, scopes_of_accounts, user_service


@cache
def api_key_service() -> ApiKeyService:
    """Return the API key service."""
    keys, secrets = ApiKeyRepository(), KeySecretRepository()
    return ApiKeyService(
        keys,
        secrets,
        user_service(),
        accounts(),
        scopes_of_accounts(),
        responses=idempotent_responses(),
        audit=audit_trail(),
    )


@cache
def key_secrets() -> KeySecrets:
    """Return the service that finds secrets of API keys."""
    return KeySecrets(KeySecretRepository())


@cache
def api_key_personal_data() -> ApiKeyPersonalData:
    """Return the service that exports and erases API keys."""
    return ApiKeyPersonalData(ApiKeyRepository(), user_service())
