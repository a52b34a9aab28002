"""Builds this room's services."""

from functools import cache

from django.conf import settings

from apps.api_keys.dependencies import key_secrets
from apps.audit.dependencies import audit_service
from apps.authentication.dependencies import key_ring, session_service, session_tokens
from apps.authentication.services.signed_tokens import SignedTokens
from apps.oauth.repositories.revoked_token_repository import RevokedTokenRepository
from apps.oauth.services.caller_authentication import CallerAuthentication
from apps.oauth.services.client_authentication import ClientAuthentication
from apps.oauth.services.client_token_authentication import ClientTokenAuthentication
from apps.oauth.services.client_tokens import CLIENT_TOKEN_KIND, ClientTokens
from apps.oauth.services.introspection import Introspection
from apps.oauth.services.live_client_tokens import LiveClientTokens
from apps.oauth.services.revocation import Revocation
from apps.oauth.services.token_exchange import TokenExchange
from apps.verification.dependencies import key_authentication


@cache
def client_tokens() -> ClientTokens:
    """Return what issues and reads the tokens of clients."""
    issuer, audience = settings.TOKEN_ISSUER, settings.TOKEN_AUDIENCE
    return ClientTokens(SignedTokens(key_ring(), CLIENT_TOKEN_KIND, issuer=issuer, audience=audience))


@cache
def client_authentication() -> ClientAuthentication:
    """Return the authentication of clients."""
    return ClientAuthentication(key_secrets(), key_authentication(), audit_service().note)


@cache
def client_token_authentication() -> ClientTokenAuthentication:
    """Return the authentication of clients' tokens on Keyhouse's own API."""
    return ClientTokenAuthentication(live_client_tokens(), key_authentication())


@cache
def caller_authentication() -> CallerAuthentication:
    """Return the authentication of those who ask about tokens."""
    return CallerAuthentication(
        client_authentication(), key_authentication(), client_token_authentication(), session_service()
    )


@cache
def token_exchange() -> TokenExchange:
    """Return the service that gives tokens for keys."""
    return TokenExchange(client_authentication(), client_tokens(), audit_service().note)


@cache
def introspection() -> Introspection:
    """Return the service that tells of tokens."""
    return Introspection(session_tokens(), client_tokens(), live_client_tokens(), key_authentication())


@cache
def revocation() -> Revocation:
    """Return the service that calls tokens back."""
    return Revocation(session_tokens(), session_service(), client_tokens(), revoked_token_repository())


@cache
def live_client_tokens() -> LiveClientTokens:
    """Return what finds clients' tokens that count."""
    return LiveClientTokens(client_tokens(), revoked_token_repository(), key_secrets())


@cache
def revoked_token_repository() -> RevokedTokenRepository:
    """Return the repository of called-back tokens, which writes audit events in its transactions."""
    return RevokedTokenRepository(audit_service().record)
