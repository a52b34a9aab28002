"""Builds this app's services."""

from functools import cache

from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.api_keys.repositories.key_secret_repository import KeySecretRepository
from apps.api_keys.services.api_key_service import ApiKeyService
from apps.api_keys.services.customer_keys import CustomerKeys
from apps.api_keys.services.in_transaction.key_notices import KeyNotices
from apps.api_keys.services.in_transaction.key_review_links import KeyReviewLinks
from apps.api_keys.services.in_transaction.key_revocation import KeyRevocation
from apps.api_keys.services.in_transaction.key_store import KeyStore
from apps.api_keys.services.key_extension import KeyExtension
from apps.api_keys.services.key_reviews import KeyReviews
from apps.api_keys.services.key_secrets import KeySecrets
from apps.api_keys.services.personal_data import ApiKeyPersonalData
from apps.audit.dependencies import audit_trail
from apps.credits.dependencies import balances
from apps.idempotency.dependencies import idempotent_responses
from apps.mail.dependencies import message_queue
from apps.one_time_tokens.dependencies import tokens_for
from apps.one_time_tokens.services.in_transaction.one_time_tokens import OneTimeTokens
from apps.users.dependencies import accounts, scopes_of_accounts, user_service

REVIEW_SECONDS = 7 * 24 * 3600


@cache
def customer_keys() -> CustomerKeys:
    """Return the service that shows staff the keys of a customer."""
    return CustomerKeys(ApiKeyRepository())


@cache
def api_key_service() -> ApiKeyService:
    """Return the API key service."""
    return ApiKeyService(
        ApiKeyRepository(),
        user_service(),
        accounts(),
        scopes_of_accounts(),
        audit=audit_trail(),
        responses=idempotent_responses(),
        store=_key_store(),
        revocation=key_revocation(),
    )


@cache
def key_extension() -> KeyExtension:
    """Return the service that extends the expiry of keys."""
    return KeyExtension(ApiKeyRepository(), api_key_service(), accounts(), _key_store(), idempotent_responses())


@cache
def key_notices() -> KeyNotices:
    """Return the service that enqueues messages about changed keys, in the caller's transaction."""
    return KeyNotices(accounts(), ApiKeyRepository(), key_review_links(), message_queue())


@cache
def key_reviews() -> KeyReviews:
    """Return the service by which readers of a message review their keys."""
    return KeyReviews(ApiKeyRepository(), accounts(), _review_tokens(), key_revocation())


@cache
def key_review_links() -> KeyReviewLinks:
    """Return the service that issues tokens for reviews of keys, in the caller's transaction."""
    return KeyReviewLinks(ApiKeyRepository(), _review_tokens())


@cache
def key_revocation() -> KeyRevocation:
    """Return the service that revokes keys in the caller's transaction."""
    return KeyRevocation(ApiKeyRepository(), audit_trail())


@cache
def key_secrets() -> KeySecrets:
    """Return the service that finds secrets of API keys."""
    return KeySecrets(KeySecretRepository())


@cache
def api_key_personal_data() -> ApiKeyPersonalData:
    """Return the service that exports and erases API keys."""
    return ApiKeyPersonalData(ApiKeyRepository(), user_service())


def _key_store() -> KeyStore:
    return KeyStore(ApiKeyRepository(), KeySecretRepository(), balances(), audit_trail(), key_notices())


def _review_tokens() -> OneTimeTokens:
    return tokens_for("review_api_keys", REVIEW_SECONDS)
